import type { Instance, InstanceCondition } from './instance.js';
import type { TaskState } from './task-state.js';

const TERMINAL: ReadonlySet<InstanceCondition> = new Set<InstanceCondition>([
  'Error',
  'Failed',
  'Finished',
  'Killed',
  'Gone',
  'Dropped',
  'Unknown',
]);
/** Ends that delay the next launch. */
export const COUNTED: ReadonlySet<InstanceCondition> = new Set<InstanceCondition>([
  'Failed',
  'Error',
  'Dropped',
  'Gone',
  'Finished',
]);
/** Ends that are kept as the last failure. */
export const FAILED_STATES: ReadonlySet<TaskState> = new Set<TaskState>([
  'TASK_FAILED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_UNKNOWN',
]);
/** TASK_LOST for these reasons says that nobody can see the task, not that it ended. */
const UNREACHABLE_REASONS: ReadonlySet<string> = new Set([
  'REASON_RECONCILIATION',
  'REASON_SLAVE_DISCONNECTED',
  'REASON_AGENT_DISCONNECTED',
  'REASON_SLAVE_REMOVED',
  'REASON_AGENT_REMOVED',
]);
/** In the order they are passed. */
export const STAGES: readonly InstanceCondition[] = [
  'Scheduled',
  'Provisioned',
  'Staging',
  'Starting',
  'Running',
];

/** Whether the instance has ended and its condition will never change. */
export const isTerminalCondition = (condition: InstanceCondition): boolean =>
  TERMINAL.has(condition);

/** Whether the cluster does not see the instance at the moment. */
export const isUnreachableCondition = (condition: InstanceCondition): boolean =>
  condition === 'Unreachable' || condition === 'UnreachableInactive';

/** The condition a wire state means. TASK_LOST is Unreachable or Gone by its reason. */
export function toCondition(state: TaskState, reason?: string): InstanceCondition {
  switch (state) {
    case 'TASK_STAGING':
      return 'Staging';
    case 'TASK_STARTING':
      return 'Starting';
    case 'TASK_RUNNING':
      return 'Running';
    case 'TASK_KILLING':
      return 'Killing';
    case 'TASK_FINISHED':
      return 'Finished';
    case 'TASK_FAILED':
      return 'Failed';
    case 'TASK_KILLED':
      return 'Killed';
    case 'TASK_ERROR':
      return 'Error';
    case 'TASK_LOST':
      return reason !== undefined && UNREACHABLE_REASONS.has(reason) ? 'Unreachable' : 'Gone';
    case 'TASK_DROPPED':
      return 'Dropped';
    case 'TASK_UNREACHABLE':
      return 'Unreachable';
    case 'TASK_GONE':
    case 'TASK_GONE_BY_OPERATOR':
      return 'Gone';
    case 'TASK_UNKNOWN':
      return 'Unknown';
    default:
      return state satisfies never;
  }
}

/** The launch did not get through (the offer was gone, the call was lost): no fault of the app. */
export const wasNeverLaunched = (
  instance: { readonly condition: InstanceCondition },
  reason: string | undefined,
): boolean =>
  instance.condition === 'Provisioned' &&
  (reason === 'REASON_INVALID_OFFERS' || reason === 'REASON_RECONCILIATION');

/** The operator takes the agent out of service: what its tasks ended as says nothing of them. */
export const isOfDrain = (reason: string | undefined): boolean =>
  reason === 'REASON_AGENT_DRAINING' || reason === 'REASON_SLAVE_DRAINING';

/** Placed and not on its way out, as far as the cluster says. */
export const isLiveStage = (condition: InstanceCondition): boolean => STAGES.includes(condition);

/** A live stage never goes back, unless the instance was unreachable; what should go stays Killing. */
export function mergeCondition(
  instance: Pick<Instance, 'condition' | 'goal'>,
  reported: InstanceCondition,
): InstanceCondition {
  const current = instance.condition;
  if (isTerminalCondition(reported) || reported === 'Killing') return reported;
  if (reported === 'Unreachable') return isUnreachableCondition(current) ? current : 'Unreachable';
  if (instance.goal !== 'Running') return 'Killing';
  if (isUnreachableCondition(current) || current === 'Killing') return reported;
  return STAGES.indexOf(reported) > STAGES.indexOf(current) ? reported : current;
}
