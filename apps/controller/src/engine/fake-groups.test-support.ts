import type { OfferOperation, TaskInfo } from '#mesos-v1';
import { isEnd } from './fake-offers.test-support.js';

/** What is launched, with the executor of its group where it has one. */
export const launchesOf = (
  operations: readonly OfferOperation[],
): readonly { readonly info: TaskInfo; readonly group?: string }[] =>
  operations.flatMap((operation) => {
    if (operation.type === 'LAUNCH') {
      return operation.launch.task_infos.map((info) => ({ info }));
    }
    if (operation.type !== 'LAUNCH_GROUP') return [];
    const { executor, task_group } = operation.launch_group;
    return task_group.tasks.map((info) => ({ info, group: executor.executor_id.value }));
  });

interface GroupTask {
  readonly group?: string;
  readonly state: string;
}

/** Who is killed when a task of a group has ended: the others, unless it finished. */
export const sharersOfFate = (
  tasks: ReadonlyMap<string, GroupTask>,
  { group, state }: GroupTask,
): readonly string[] =>
  group === undefined || state === 'TASK_FINISHED'
    ? []
    : [...tasks].filter(([, one]) => one.group === group && !isEnd(one.state)).map(([id]) => id);
