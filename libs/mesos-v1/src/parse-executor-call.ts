import { isTerminalTaskState, type TaskState } from '#core';
import { CALL_LIMITS } from './call-limits.js';
import { base64, closedMessage, type Decoder, repeated, required, uuidOfBase64 } from './decode.js';
import { type Parsed, parseTagged, tag } from './decode-tagged.js';
import { taskInfo, taskStatus } from './decode-tasks.js';
import { idValue, registeredId } from './decode-values.js';
import type { ExecutorCall, ExecutorStatus } from './executor.js';

/** Reads the body of `POST /api/v1/executor`, with the structural rules of the call (Mesos' executor/validation). */
export function parseExecutorCall(input: unknown): Parsed<ExecutorCall> {
  return parseTagged(input, EXECUTOR_CALLS, { isBounded: true });
}

type CallOf<Type extends ExecutorCall['type']> = Extract<ExecutorCall, { readonly type: Type }>;

const caller = {
  framework_id: required(registeredId),
  executor_id: required(idValue),
} as const;

/** What an executor must say beyond what every status has: by whom, and by which uuid it is acknowledged. */
const executorStatus: Decoder<ExecutorStatus> = (input, path, issues) => {
  const status = taskStatus(input, path, issues);
  if (status === undefined) return undefined;
  if (!isReportable(status.state)) {
    return issues.add(
      `${path}.state`,
      `is ${JSON.stringify(status.state.slice(0, MAX_ECHO))}, which an executor does not report`,
    );
  }
  if (status.source !== 'SOURCE_EXECUTOR') {
    return issues.add(`${path}.source`, `is ${status.source ?? 'absent'}, not SOURCE_EXECUTOR`);
  }
  const uuid = uuidOfBase64(status.uuid, `${path}.uuid`, issues);
  return uuid === undefined ? undefined : { ...status, uuid };
};

const MAX_ECHO = 64;
const ALIVE: ReadonlySet<string> = new Set(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING']);
const isReportable = (state: string): boolean =>
  ALIVE.has(state) || isTerminalTaskState(state as TaskState);

const update = closedMessage<{ readonly status: ExecutorStatus }>({
  status: required(executorStatus),
});

const EXECUTOR_CALLS: Readonly<Record<ExecutorCall['type'], Decoder<ExecutorCall>>> = {
  SUBSCRIBE: closedMessage<CallOf<'SUBSCRIBE'>>({
    ...caller,
    type: required(tag('SUBSCRIBE')),
    subscribe: required(
      closedMessage<CallOf<'SUBSCRIBE'>['subscribe']>({
        unacknowledged_tasks: repeated(taskInfo, CALL_LIMITS.reconciledTasks),
        unacknowledged_updates: repeated(update, CALL_LIMITS.reconciledTasks),
      }),
    ),
  }),
  UPDATE: closedMessage<CallOf<'UPDATE'>>({
    ...caller,
    type: required(tag('UPDATE')),
    update: required(update),
  }),
  MESSAGE: closedMessage<CallOf<'MESSAGE'>>({
    ...caller,
    type: required(tag('MESSAGE')),
    message: required(closedMessage<{ readonly data: string }>({ data: required(base64) })),
  }),
  HEARTBEAT: closedMessage<CallOf<'HEARTBEAT'>>({
    ...caller,
    type: required(tag('HEARTBEAT')),
  }),
};
