import type { Instance, InstanceCondition, PodTask } from './instance.js';
import {
  COUNTED,
  FAILED_STATES,
  isLiveStage,
  isOfDrain,
  isTerminalCondition,
  mergeCondition,
  STAGES,
  toCondition,
  wasNeverLaunched,
} from './instance-condition.js';
import type { InstanceEffect, InstanceEvent } from './instance-event.js';
import type { Now } from './now.js';
import type { Reduction } from './reduction.js';

type Status = Extract<InstanceEvent, { readonly kind: 'status' }>;

/** The first that is found among the containers is how the instance ended. */
const ENDS: readonly InstanceCondition[] = [
  'Error',
  'Failed',
  'Gone',
  'Dropped',
  'Unknown',
  'Killed',
  'Finished',
];

/**
 * One status of a container, or of all of them, in the life of a pod's instance.
 *
 * | containers | instance |
 * |---|---|
 * | all run, but those that have finished | Running |
 * | some are at an earlier stage | the earliest stage |
 * | one is out of sight | Unreachable |
 * | one ended in any way but finished | decommissioned: the others are killed, by their agent too |
 * | all have ended | ended, as the worst of them |
 */
export function applyPodStatus(
  instance: Instance,
  tasks: readonly PodTask[],
  event: Status,
  now: Now,
): Reduction<Instance, InstanceEffect> {
  const podTasks = tasks.map((task) =>
    event.taskId === undefined || event.taskId === task.taskId
      ? applyToTask(task, event, now)
      : task,
  );
  const ends = podTasks.flatMap((after, index) => {
    const before = tasks[index];
    return before !== undefined && hasJustEnded(before, after) ? [{ before, after }] : [];
  });
  const takesOthers = podTasks.some(hasFailed) && instance.goal === 'Running';
  const goal = takesOthers ? 'Decommissioned' : instance.goal;
  const condition = mergeCondition({ condition: instance.condition, goal }, summarise(podTasks));
  const isFirstRun = condition === 'Running' && instance.startedAtEpochMs === undefined;
  const effects: InstanceEffect[] = [];
  const isAlive = !isTerminalCondition(condition);
  const isSeen = isLiveStage(toCondition(event.state, event.reason));
  if (isAlive && (takesOthers || (goal !== 'Running' && isSeen))) effects.push({ kind: 'kill' });
  if (condition !== instance.condition) {
    effects.push({ kind: 'condition-changed', from: instance.condition });
  }
  if (isFirstRun) effects.push({ kind: 'started' });
  const isOurDoing =
    instance.goal !== 'Running' ||
    ends.some(({ before }) => wasNeverLaunched(before, event.reason));
  const flags = {
    counted:
      ends.some(({ after }) => COUNTED.has(after.condition)) &&
      !isOurDoing &&
      !isOfDrain(event.reason),
    failed: ends.length > 0 && FAILED_STATES.has(event.state) && !isOurDoing,
  };
  if (!isAlive) effects.push({ kind: 'ended', ...flags });
  else if (takesOthers) {
    const ended = worstOf(ends.map(({ after }) => after));
    effects.push({ kind: 'container-failed', condition: ended, ...flags });
  }
  return {
    state: settleState(instance, { podTasks, goal, condition, isFirstRun, event, now }),
    effects,
  };
}

const hasJustEnded = (before: PodTask, after: PodTask): boolean =>
  isTerminalCondition(after.condition) && !isTerminalCondition(before.condition);

const hasFailed = ({ condition }: PodTask): boolean =>
  isTerminalCondition(condition) && condition !== 'Finished';

/** How the containers are together. */
function summarise(tasks: readonly PodTask[]): InstanceCondition {
  const live = tasks.map(({ condition }) => condition).filter((one) => !isTerminalCondition(one));
  if (live.length === 0) return worstOf(tasks);
  if (live.includes('Unreachable')) return 'Unreachable';
  if (live.includes('Killing')) return 'Killing';
  return STAGES.find((stage) => live.includes(stage)) ?? 'Running';
}

const worstOf = (tasks: readonly PodTask[]): InstanceCondition =>
  ENDS.find((end) => tasks.some(({ condition }) => condition === end)) ?? 'Unknown';

/** Returns the same object when nothing differs. What has ended does not change any more. */
function applyToTask(task: PodTask, event: Status, now: Now): PodTask {
  if (isTerminalCondition(task.condition)) return task;
  const reported = toCondition(event.state, event.reason);
  const condition = mergeCondition({ condition: task.condition, goal: 'Running' }, reported);
  const message = event.message ?? '';
  const isSame =
    condition === task.condition &&
    task.lastState === event.state &&
    (task.lastMessage ?? '') === message;
  if (isSame) return task;
  return {
    ...task,
    condition,
    sinceEpochMs: condition === task.condition ? task.sinceEpochMs : now.epochMs,
    lastState: event.state,
    lastMessage: message,
  };
}

/** The instance with all that; the same object when nothing differs. */
function settleState(
  instance: Instance,
  next: {
    readonly podTasks: readonly PodTask[];
    readonly goal: Instance['goal'];
    readonly condition: InstanceCondition;
    readonly isFirstRun: boolean;
    readonly event: Status;
    readonly now: Now;
  },
): Instance {
  const { podTasks, goal, condition, event, now } = next;
  const isMoved = condition !== instance.condition;
  const given = event.ipAddresses ?? [];
  const hasNewAddress =
    given.length > 0 && JSON.stringify(given) !== JSON.stringify(instance.ipAddresses);
  const isSame = podTasks.every((task, index) => task === instance.podTasks?.[index]);
  if (isSame && !isMoved && !hasNewAddress && goal === instance.goal) return instance;
  return {
    ...instance,
    podTasks,
    goal,
    condition,
    ...(hasNewAddress ? { ipAddresses: given } : {}),
    sinceEpochMs: isMoved ? now.epochMs : instance.sinceEpochMs,
    ...(next.isFirstRun ? { startedAtEpochMs: now.epochMs } : {}),
  };
}
