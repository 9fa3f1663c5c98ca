/**
 * The states of a task on the wire, as Mesos names them without the TASK_ prefix kept: the wire name is the type.
 *
 * STAGING -> STARTING -> RUNNING -> KILLING -> one terminal state. UNREACHABLE and LOST may come back; a terminal
 * state never changes.
 */
export const TASK_STATES = [
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_UNREACHABLE',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_UNKNOWN',
] as const;

export type TaskState = (typeof TASK_STATES)[number];

const TERMINAL: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
]);

/** Whether the task's process is known not to run any more and never will under this id. */
export const isTerminalTaskState = (state: TaskState): boolean => TERMINAL.has(state);
