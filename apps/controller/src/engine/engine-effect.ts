import type { AgentId, InstanceId, OfferId, StoredEvent, TaskId } from '#core';
import type { ExecutorInfo, OfferOperation, TaskInfo } from '#mesos-v1';

/** What a pod's instance is launched as. */
export interface TaskGroup {
  readonly executor: ExecutorInfo;
  readonly tasks: readonly TaskInfo[];
}

/** What the engine does to the world, always after the decision behind it is durable. Each may run twice and do no harm. */
export type EngineEffect =
  | { readonly kind: 'publish-events'; readonly events: readonly StoredEvent[] }
  | {
      readonly kind: 'accept-offer';
      readonly offerId: OfferId;
      /** Before the launch: what is reserved for its tasks, and what is given back of others. */
      readonly operations: readonly OfferOperation[];
      readonly tasks: readonly TaskInfo[];
      readonly groups: readonly TaskGroup[];
      readonly instanceIds: readonly InstanceId[];
      /** Those whose reservations are given back. */
      readonly released: readonly InstanceId[];
      readonly refuseSeconds: number;
    }
  | {
      readonly kind: 'decline-offers';
      readonly offerIds: readonly OfferId[];
      readonly refuseSeconds: number;
    }
  /** Agrees that agents are taken out of service. */
  | {
      readonly kind: 'accept-inverse-offers';
      readonly ids: readonly string[];
      readonly refuseSeconds: number;
    }
  | { readonly kind: 'kill-instance'; readonly instanceId: InstanceId }
  | {
      readonly kind: 'kill-task';
      readonly taskId: TaskId;
      readonly agentId?: AgentId;
      /** From SIGTERM to SIGKILL; absent: what its TaskInfo says. */
      readonly graceSeconds?: number;
    }
  /** Of a task that has ended, or that it does not end. */
  | { readonly kind: 'shut-down-executor'; readonly executorId: string; readonly agentId: AgentId }
  /** `roles` absent: of all roles. */
  | { readonly kind: 'revive-offers'; readonly roles?: readonly string[] }
  | { readonly kind: 'suppress-offers' }
  | {
      readonly kind: 'reconcile-tasks';
      /** Empty: all that the master knows (implicit). */
      readonly tasks: readonly { readonly taskId: TaskId; readonly agentId?: AgentId }[];
    };
