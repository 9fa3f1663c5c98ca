import {
  type AgentId,
  type HealthVerdict,
  type InstanceCondition,
  type InstanceId,
  isTerminalCondition,
} from '#core';

/** `unknown`: no answer since the controller started; it may have been ready for long. */
export type Readiness = 'ready' | 'not-ready' | 'unknown';

/** What a rollout looks at in one instance. */
export interface InstanceFacts {
  readonly id: InstanceId;
  /** `lastConfigChangeAt` of the definition it runs: what differs is outdated. */
  readonly configVersion: string;
  readonly condition: InstanceCondition;
  /** Being killed: its goal is no longer Running. */
  readonly isKilling: boolean;
  /** Set while it is out of rotation before its kill; `isDone`: no router needs it any more, or the deadline passed. */
  readonly draining?: { readonly isDone: boolean; readonly deadlineEpochMs: number };
  /** Of all its checks; without checks `healthy`. */
  readonly health: HealthVerdict;
  /** Of the app's readiness check; without one `ready`. It gates new instances only: old ones never had to pass it. */
  readonly readiness: Readiness;
  /** Requests may reach it, so it must be drained before it is killed. */
  readonly isRouted: boolean;
  /** Failed its health checks often enough to be replaced. */
  readonly condemned?: { readonly sinceMonoMs: number; readonly cause: string };
  /** Its agent is about to be taken out of service. `now`: there is no time left to wait for a replacement. */
  readonly evicted?: 'when-replaced' | 'now';
  /** When it was staged, for kill selection. */
  readonly stagedAtEpochMs: number;
  /** Where it is, once placed. */
  readonly agentId?: AgentId;
  /** Its value of each GROUP_BY field, in the order of the constraints. */
  readonly groups?: readonly string[];
}

/** Still there, in whatever shape: it holds resources and counts against the maximum capacity. */
export const isAlive = (facts: InstanceFacts): boolean =>
  !isTerminalCondition(facts.condition) && facts.condition !== 'UnreachableInactive';

/** On its way out: draining or being killed. */
export const isLeaving = (facts: InstanceFacts): boolean =>
  facts.isKilling || facts.draining !== undefined;

/** Alive and meant to stay. */
export const isStaying = (facts: InstanceFacts): boolean => isAlive(facts) && !isLeaving(facts);

/** Does its work: counts as healthy capacity. */
export const isServing = (facts: InstanceFacts): boolean =>
  isStaying(facts) &&
  facts.condition === 'Running' &&
  facts.health === 'healthy' &&
  facts.readiness === 'ready' &&
  facts.condemned === undefined;

/** Runs, and nobody knows yet whether it serves (a result is missing since the controller started, none is bad). */
export const isUncertain = (facts: InstanceFacts): boolean =>
  isStaying(facts) &&
  facts.condition === 'Running' &&
  facts.condemned === undefined &&
  (facts.health === 'unknown' || facts.readiness === 'unknown') &&
  (facts.health === 'unknown' || facts.health === 'healthy') &&
  facts.readiness !== 'not-ready';
