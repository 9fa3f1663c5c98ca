import type {
  AgentInfo,
  ExecutorInfo,
  FrameworkInfo,
  IdValue,
  KillPolicy,
  TaskInfo,
  TaskStatus,
} from './values.js';

/** Who calls: every call carries both. */
interface ExecutorCaller {
  readonly framework_id: IdValue;
  readonly executor_id: IdValue;
}

/** A status an executor sends: its uuid is what it is acknowledged by. */
export type ExecutorStatus = TaskStatus & { readonly uuid: string };

/** Calls of the v1 executor API, `POST /api/v1/executor` of an agent. */
export type ExecutorCall = ExecutorCaller &
  (
    | {
        readonly type: 'SUBSCRIBE';
        readonly subscribe: {
          /** Tasks of which no update was acknowledged yet. */
          readonly unacknowledged_tasks: readonly TaskInfo[];
          readonly unacknowledged_updates: readonly { readonly status: ExecutorStatus }[];
        };
      }
    | { readonly type: 'UPDATE'; readonly update: { readonly status: ExecutorStatus } }
    /** To the framework; base64. */
    | { readonly type: 'MESSAGE'; readonly message: { readonly data: string } }
    | { readonly type: 'HEARTBEAT' }
  );

/** Events of the v1 executor API. */
export type ExecutorEvent =
  | {
      readonly type: 'SUBSCRIBED';
      readonly subscribed: {
        /** Clients compare its `executor_id` and the framework's `id` as a whole: `{value}` and no more. */
        readonly executor_info: ExecutorInfo;
        readonly framework_info: FrameworkInfo;
        readonly agent_info: Omit<AgentInfo, 'capabilities'>;
        readonly container_id: IdValue;
      };
    }
  | { readonly type: 'LAUNCH'; readonly launch: { readonly task: TaskInfo } }
  | {
      readonly type: 'LAUNCH_GROUP';
      readonly launch_group: { readonly task_group: { readonly tasks: readonly TaskInfo[] } };
    }
  | {
      readonly type: 'KILL';
      readonly kill: { readonly task_id: IdValue; readonly kill_policy?: KillPolicy };
    }
  | {
      readonly type: 'ACKNOWLEDGED';
      readonly acknowledged: { readonly task_id: IdValue; readonly uuid: string };
    }
  | { readonly type: 'MESSAGE'; readonly message: { readonly data: string } }
  | { readonly type: 'SHUTDOWN' }
  | { readonly type: 'ERROR'; readonly error: { readonly message: string } }
  | { readonly type: 'HEARTBEAT' };
