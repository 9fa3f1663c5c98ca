import type {
  AgentInfo,
  ExecutorInfo,
  FrameworkInfo,
  IdValue,
  KillPolicy,
  TaskInfo,
  TaskStatus,
  WireResource,
} from './values.js';

/**
 * The agent protocol, ours. The agent opens every connection: `POST /api/v1/agent` with SUBSCRIBE answers a RecordIO
 * stream of {@link AgentMessage}; all other calls are plain POSTs to the same path answered 202.
 *
 * Every message carries (epoch, stream_id, sequence). The agent persists the highest epoch seen, refuses lower ones
 * and streams that are not its current one, applies sequences in order, once, and reregisters with the last position
 * it applied, so a deposed master can launch and kill nothing and no LAUNCH is lost or applied twice.
 */
export interface StreamPosition {
  readonly epoch: number;
  readonly stream_id: string;
  /** Starts at 1 on each stream. */
  readonly sequence: number;
}

/**
 * Tells the launches of one task id apart, those of several masters too: of two the later has the higher epoch, or the
 * same and the higher number. A framework may use the id of an ended task again, and what is still under way about the
 * earlier launch must not be taken for news of the later one. The tasks of a group have one in common.
 */
export interface LaunchId {
  readonly epoch: number;
  readonly number: number;
}

/** One task as its agent knows it: its definition, latest state and the state last acknowledged by the framework. */
export interface AgentTask {
  readonly framework_id: IdValue;
  readonly task: TaskInfo;
  readonly state: string;
  readonly latest_status: TaskStatus;
  /** Absent where the launch had none. */
  readonly launch_id?: LaunchId;
}

/** One status of one task, as the agent holds it until it is acknowledged. */
export interface AgentUpdate {
  readonly framework_id: IdValue;
  readonly status: TaskStatus;
  /** The newest state of the task, so that the master frees resources before old updates are acknowledged. */
  readonly latest_state: string;
  /** Of the launch it is about. */
  readonly launch_id?: LaunchId;
}

/** Updates in one call. */
export const MAX_UPDATES = 1_000;

/** A custom executor as its agent knows it. */
export interface AgentExecutor {
  readonly framework_id: IdValue;
  readonly executor: ExecutorInfo;
  /** Of the launch that started it. Absent where that had none. */
  readonly launch_id?: LaunchId;
}

/** Calls from the agent to the master. */
export type AgentCall =
  | {
      readonly type: 'SUBSCRIBE';
      readonly subscribe: {
        /** `agent_info.id` is present on reregistration. */
        readonly agent_info: AgentInfo;
        readonly version: string;
        /** Highest epoch this agent has persisted; a master of a lower epoch must not answer. */
        readonly highest_epoch: number;
        /** Where it stopped; the master resends later LAUNCH/KILL/ACKNOWLEDGE it still holds, or drops what was applied. */
        readonly last_applied?: StreamPosition;
        /** All tasks not yet terminal-and-acknowledged. */
        readonly tasks: readonly AgentTask[];
        /** Frameworks of those tasks, so that a new master knows them before they resubscribe. */
        readonly frameworks: readonly FrameworkInfo[];
        /** Dynamic reservations and volumes as last checkpointed, in the refined form. They are part of the total. */
        readonly checkpointed_resources?: readonly WireResource[];
        /** Custom executors alive, whether or not they have tasks now: their resources are held too. */
        readonly executors?: readonly AgentExecutor[];
      };
    }
  | {
      readonly type: 'UPDATE';
      readonly agent_id: IdValue;
      readonly stream_id: string;
      readonly update: AgentUpdate;
    }
  /** Many at once, taken in order, at most {@link MAX_UPDATES}; the answer is that of all. */
  | {
      readonly type: 'UPDATES';
      readonly agent_id: IdValue;
      readonly stream_id: string;
      readonly updates: readonly AgentUpdate[];
    }
  | { readonly type: 'PONG'; readonly agent_id: IdValue; readonly stream_id: string }
  /** All CHECKPOINT_RESOURCES of this stream up to `sequence` would survive a power cut now. */
  | {
      readonly type: 'CHECKPOINTED';
      readonly agent_id: IdValue;
      readonly stream_id: string;
      readonly checkpointed: { readonly sequence: number };
    }
  /** A message of an executor to its framework; best effort. */
  | {
      readonly type: 'MESSAGE';
      readonly agent_id: IdValue;
      readonly stream_id: string;
      readonly message: {
        readonly framework_id: IdValue;
        readonly executor_id: IdValue;
        /** Base64. */
        readonly data: string;
      };
    }
  /**
   * A custom executor has ended, or was never started as its first task was refused or killed before; its tasks' ends
   * are told by UPDATEs. Its resources are held until then.
   */
  | {
      readonly type: 'EXITED_EXECUTOR';
      readonly agent_id: IdValue;
      readonly stream_id: string;
      readonly exited_executor: {
        readonly framework_id: IdValue;
        readonly executor_id: IdValue;
        /** As `waitpid` gives it: the exit code's byte above that of the signal; -1 where nobody saw it. */
        readonly status: number;
        /** Of the launch that started it, so that another one of this id is not taken for it. */
        readonly launch_id?: LaunchId;
      };
    };

/** Messages from the master to the agent. */
export type AgentMessageBody =
  | {
      readonly type: 'SUBSCRIBED';
      readonly subscribed: {
        readonly agent_id: IdValue;
        readonly master_id: string;
        /** The agent gives the stream up after this long without any record. */
        readonly ping_timeout_seconds: number;
      };
    }
  | { readonly type: 'PING' }
  | {
      readonly type: 'LAUNCH';
      readonly launch: {
        readonly framework: FrameworkInfo;
        readonly task: TaskInfo;
        /** The same one again: the agent has it already. Another one: the task of before is over, whatever is left of it. */
        readonly launch_id?: LaunchId;
        /**
         * Of the launch that started its executor; `launch_id` itself: this one does. Where that executor is over, the task
         * is not launched. Absent: none is named, or the master does not say.
         */
        readonly executor_launch_id?: LaunchId;
      };
    }
  /** All or nothing: every task of the group is launched under the executor, or none. */
  | {
      readonly type: 'LAUNCH_GROUP';
      readonly launch_group: {
        readonly framework: FrameworkInfo;
        readonly executor: ExecutorInfo;
        readonly tasks: readonly TaskInfo[];
        readonly launch_id?: LaunchId;
        readonly executor_launch_id?: LaunchId;
      };
    }
  /** All dynamic reservations and volumes the agent has from now on; persisted before anything later is applied. */
  | {
      readonly type: 'CHECKPOINT_RESOURCES';
      readonly checkpoint_resources: { readonly resources: readonly WireResource[] };
    }
  | {
      readonly type: 'SHUTDOWN_EXECUTOR';
      readonly shutdown_executor: { readonly framework_id: IdValue; readonly executor_id: IdValue };
    }
  /** A message of a framework to its executor; best effort. */
  | {
      readonly type: 'MESSAGE';
      readonly message: {
        readonly framework_id: IdValue;
        readonly executor_id: IdValue;
        /** Base64. */
        readonly data: string;
      };
    }
  /** Kill all tasks, each with its own grace but at most this one; the ends have REASON_AGENT_DRAINING. */
  | {
      readonly type: 'DRAIN';
      readonly drain: {
        readonly max_grace_period?: { readonly nanoseconds: number };
        /** The ends are TASK_GONE_BY_OPERATOR instead of TASK_KILLED. */
        readonly mark_gone: boolean;
      };
    }
  | {
      readonly type: 'KILL';
      readonly kill: {
        readonly framework_id: IdValue;
        readonly task_id: IdValue;
        readonly kill_policy?: KillPolicy;
        /** Only this launch of it. */
        readonly launch_id?: LaunchId;
      };
    }
  | {
      readonly type: 'ACKNOWLEDGE';
      readonly acknowledge: {
        readonly framework_id: IdValue;
        readonly task_id: IdValue;
        readonly uuid: string;
      };
    }
  | {
      readonly type: 'SHUTDOWN_FRAMEWORK';
      readonly shutdown_framework: { readonly framework_id: IdValue };
    }
  /** The agent must drop its identity, kill its tasks and register anew. */
  | { readonly type: 'SHUTDOWN'; readonly shutdown: { readonly message: string } }
  | { readonly type: 'ERROR'; readonly error: { readonly message: string } };

export type AgentMessage = StreamPosition & AgentMessageBody;
