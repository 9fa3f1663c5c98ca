import type { ExitStatus, LaunchedTask, Now, TaskExit, TaskState } from '#core';
import type { TaskStatus, WireCheckStatus } from '#mesos-v1';

/** What a status says beyond the task it is about. */
export interface StatusContent {
  readonly state: TaskState;
  readonly source: 'SOURCE_AGENT' | 'SOURCE_EXECUTOR';
  readonly reason?: string;
  readonly message?: string;
  readonly healthy?: boolean;
  readonly checkStatus?: WireCheckStatus;
}

/** Longest message of a status, in characters; command output ends up in it. */
const MAX_MESSAGE_LENGTH = 1024;

/** Builds a status as it goes over the wire. */
export function toTaskStatus(
  about: {
    readonly taskId: string;
    readonly agentId: string;
    readonly hostAddress: string;
    readonly launched?: LaunchedTask;
    readonly uuid?: string;
    /** Default: the task's own id, as of one without an executor. */
    readonly executorId?: string;
  },
  content: StatusContent,
  now: Now,
): TaskStatus {
  const { launched } = about;
  return {
    task_id: { value: about.taskId },
    agent_id: { value: about.agentId },
    executor_id: { value: about.executorId ?? about.taskId },
    state: content.state,
    source: content.source,
    timestamp: now.epochMs / 1000,
    ...(about.uuid === undefined ? {} : { uuid: about.uuid }),
    ...(content.reason === undefined ? {} : { reason: content.reason }),
    ...(content.message === undefined
      ? {}
      : { message: content.message.slice(0, MAX_MESSAGE_LENGTH) }),
    ...(content.healthy === undefined ? {} : { healthy: content.healthy }),
    ...(content.checkStatus === undefined ? {} : { check_status: content.checkStatus }),
    ...(launched === undefined
      ? {}
      : { container_status: toContainerStatus(launched, about.hostAddress) }),
  };
}

/** How an exit nobody asked for is reported. */
export function describeExit(exit: TaskExit): StatusContent {
  if (exit.oomKilled) {
    return {
      state: 'TASK_FAILED',
      source: 'SOURCE_AGENT',
      reason: 'REASON_CONTAINER_LIMITATION_MEMORY',
      message: 'exceeded its memory limit and was killed by the kernel',
    };
  }
  const own = describeStatus(exit.status);
  if (exit.cause === undefined) return own;
  return {
    ...{ state: 'TASK_FAILED', source: 'SOURCE_AGENT', reason: 'REASON_EXECUTOR_TERMINATED' },
    message: `${exit.cause} (${own.message})`,
  };
}

function describeStatus(status: ExitStatus): StatusContent {
  const source = 'SOURCE_EXECUTOR';
  switch (status.kind) {
    case 'exited':
      return status.code === 0
        ? { state: 'TASK_FINISHED', source, message: 'exited with code 0' }
        : failed(`exited with code ${status.code}`);
    case 'exited-or-signalled':
      return failed(`exited with code ${status.code} (perhaps killed by signal ${status.signal})`);
    case 'signalled':
      return failed(`killed by signal ${status.signal}`);
    case 'unknown':
      return {
        state: 'TASK_FAILED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_EXECUTOR_TERMINATED',
        message: `ended, its exit status is unknown: ${status.reason}`,
      };
    default:
      return status satisfies never;
  }
}

const failed = (message: string): StatusContent => ({
  state: 'TASK_FAILED',
  source: 'SOURCE_EXECUTOR',
  reason: 'REASON_COMMAND_EXECUTOR_FAILED',
  message,
});

/** Where what was launched runs. */
export const toContainerStatus = (
  launched: LaunchedTask,
  hostAddress: string,
): NonNullable<TaskStatus['container_status']> => ({
  executor_pid: launched.pid,
  ...(launched.containerId === undefined ? {} : { container_id: { value: launched.containerId } }),
  network_infos: [
    {
      ip_addresses: [
        { ip_address: launched.ipAddress ?? hostAddress, protocol: 'IPv4' as const },
        ...(launched.ipv6Address === undefined
          ? []
          : [{ ip_address: launched.ipv6Address, protocol: 'IPv6' as const }]),
      ],
    },
  ],
});
