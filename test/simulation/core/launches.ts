import type { MasterEffect } from '#cluster';
import type { ExecutorInfo, LaunchId, OfferOperation, TaskInfo } from '#mesos-v1';
import type { PackedTask } from './task-book.js';

/** A task as a master sends it to an agent. */
export interface SentLaunch {
  readonly frameworkId: string;
  readonly task: TaskInfo;
  /** Started for it; for a group it stands at its first task. */
  readonly newExecutor?: ExecutorInfo;
}

/** The launches an effect of a master sends, alone or as a group. */
export function launchesOf(effect: MasterEffect): readonly SentLaunch[] {
  if (effect.kind !== 'send-to-agent') return [];
  const { message } = effect;
  if (message.type === 'LAUNCH') {
    const { framework, task } = message.launch;
    const isNew = task.executor !== undefined && isFirst(message.launch);
    return [{ frameworkId: framework.id?.value ?? '', task, ...toNew(isNew && task.executor) }];
  }
  if (message.type !== 'LAUNCH_GROUP') return [];
  const { framework, tasks, executor } = message.launch_group;
  const isNew = isFirst(message.launch_group);
  return tasks.map((task, index) => ({
    frameworkId: framework.id?.value ?? '',
    task,
    ...toNew(isNew && index === 0 && executor),
  }));
}

/** Whether it is the launch its executor was started by. */
const isFirst = (launch: {
  readonly launch_id?: LaunchId;
  readonly executor_launch_id?: LaunchId;
}): boolean => JSON.stringify(launch.launch_id) === JSON.stringify(launch.executor_launch_id);

const toNew = (executor: ExecutorInfo | false | undefined) =>
  executor ? { newExecutor: executor } : {};

export const isLaunch = (type: OfferOperation['type']): boolean =>
  type === 'LAUNCH' || type === 'LAUNCH_GROUP';

/** The tasks an operation launches. */
export function tasksOf(operation: OfferOperation): readonly TaskInfo[] {
  if (operation.type === 'LAUNCH') return operation.launch.task_infos;
  return operation.type === 'LAUNCH_GROUP' ? operation.launch_group.task_group.tasks : [];
}

/** What launches these tasks: what they need is reserved first, and those of a group go together. */
export function toOperations(tasks: readonly PackedTask[]): readonly OfferOperation[] {
  const reservations = tasks.flatMap(({ reserve }) =>
    reserve.length === 0 ? [] : [{ type: 'RESERVE' as const, reserve: { resources: reserve } }],
  );
  const single = tasks.filter(({ group }) => group === undefined).map(({ info }) => info);
  const groups = new Map<string, { executor: ExecutorInfo; tasks: TaskInfo[] }>();
  for (const { group, info } of tasks) {
    if (group === undefined) continue;
    const id = group.executor_id.value;
    const known = groups.get(id) ?? { executor: group, tasks: [] };
    groups.set(id, known);
    known.tasks.push(info);
  }
  return [
    ...reservations,
    ...(single.length === 0 ? [] : [{ type: 'LAUNCH' as const, launch: { task_infos: single } }]),
    ...[...groups.values()].map(({ executor, tasks: members }) => ({
      type: 'LAUNCH_GROUP' as const,
      launch_group: { executor, task_group: { tasks: members } },
    })),
  ];
}
