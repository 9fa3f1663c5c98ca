import type { AgentId, AppId, InstanceId, TaskId } from './ids.js';
import type { InstanceReservation } from './instance-reservation.js';

/** What should become of an instance. Stopped keeps its reservation (resident apps), Decommissioned is forgotten. */
export type InstanceGoal = 'Running' | 'Stopped' | 'Decommissioned';

/** Marathon's condition names. The last row is terminal. */
export type InstanceCondition =
  | 'Scheduled'
  | 'Provisioned'
  | 'Staging'
  | 'Starting'
  | 'Running'
  | 'Killing'
  | 'Unreachable'
  | 'UnreachableInactive'
  | 'Error'
  | 'Failed'
  | 'Finished'
  | 'Killed'
  | 'Gone'
  | 'Dropped'
  | 'Unknown';

/** Where an instance was placed. */
export interface Placement {
  readonly agentId: AgentId;
  readonly hostname: string;
  /** `http://host:port` of the agent, from Offer.url; sandboxes are proxied through it. */
  readonly agentUrl?: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly zone?: string;
}

/** What the cluster last said of one task of an instance. */
export interface InstanceTask {
  readonly taskId: TaskId;
  readonly condition: InstanceCondition;
  readonly sinceEpochMs: number;
  readonly lastState?: string;
  readonly lastMessage?: string;
}

/** The task of one container of a pod. */
export interface PodTask extends InstanceTask {
  readonly container: string;
}

/**
 * One wanted copy of an app and, once placed, the task that carries it. Stored as a whole; health and readiness are
 * not stored (after a fail-over unknown is not unhealthy).
 */
export interface Instance {
  readonly id: InstanceId;
  readonly appId: AppId;
  /** The app version this instance runs. */
  readonly appVersion: string;
  /** 1 for the first launch; raised only for resident instances. */
  readonly incarnation: number;
  /** Of a pod: the first container's. */
  readonly taskId: TaskId;
  /** Of a pod: one for each container, in order; the condition below is theirs together. */
  readonly podTasks?: readonly PodTask[];
  readonly goal: InstanceGoal;
  readonly condition: InstanceCondition;
  /** When the condition was entered, Unix ms. */
  readonly sinceEpochMs: number;
  readonly createdAtEpochMs: number;
  readonly stagedAtEpochMs?: number;
  readonly startedAtEpochMs?: number;
  readonly placement?: Placement;
  /** Of a resident instance. */
  readonly reservation?: InstanceReservation;
  /** One per port definition, port mapping or endpoint, in order; null where one has no host port. */
  readonly hostPorts: readonly (number | null)[];
  readonly ipAddresses: readonly {
    readonly ipAddress: string;
    readonly protocol: 'IPv4' | 'IPv6';
  }[];
  /** Set while it is being taken out of rotation; kill follows at the deadline or when every router has drained it. */
  readonly draining?: {
    readonly sinceEpochMs: number;
    readonly deadlineEpochMs: number;
    /** What is reserved for it goes with it. */
    readonly isForGood?: true;
  };
  /** Jobs: how often it had failed before this launch. Absent: never. */
  readonly failedBefore?: number;
  /** The wire state and message of the last status update, for display. */
  readonly lastState?: string;
  readonly lastMessage?: string;
}

/** The tasks that carry an instance: one, or those of its containers. */
export const tasksOf = (instance: Instance): readonly InstanceTask[] =>
  instance.podTasks ?? [instance];

/** One of them by its id. */
export const taskOf = (instance: Instance, task: TaskId): InstanceTask | undefined =>
  tasksOf(instance).find(({ taskId }) => taskId === task);

export const hasTask = (instance: Instance, task: TaskId): boolean =>
  taskOf(instance, task) !== undefined;

/** Why the last task of an app ended badly; one is kept per app. */
export interface TaskFailure {
  readonly appId: AppId;
  readonly taskId: TaskId;
  readonly host: string;
  readonly agentId?: AgentId;
  /** Where the sandbox can still be read, `http://host:port`. */
  readonly agentUrl?: string;
  readonly state: string;
  readonly message: string;
  readonly version: string;
  readonly timestampEpochMs: number;
}
