import { type Resources, resources } from '#core';
import type { ExecutorInfo, OfferOperation, WireResource } from '#mesos-v1';
import type { Demand, FrameworkHabits } from './demand.js';
import type { PackedTask } from './task-book.js';

/** Tasks of a demand that are launched together. */
export const GROUP_SIZE = 2;
const GROUPED_BELOW_MS = 3_000;
export const EXECUTOR_SIZE: Resources = resources({ cpus: 0.05, mem: 32 });

/** About every second service is, but of frameworks that reserve. How long it would take means nothing to a service. */
export const isGrouped = ({ kind, durationMs }: Demand, { reserves }: FrameworkHabits): boolean =>
  kind === 'service' && durationMs < GROUPED_BELOW_MS && !reserves;

export const toExecutor = (id: string, held: readonly WireResource[]): ExecutorInfo => ({
  executor_id: { value: `group-of-${id}` },
  type: 'DEFAULT',
  resources: held,
});

/** What an ACCEPT has to do for these tasks: reservations first, then all single tasks, then each group. */
export function toOperations(tasks: readonly PackedTask[]): readonly OfferOperation[] {
  const single = tasks.filter(({ executor }) => executor === undefined);
  const groups = new Map<ExecutorInfo, PackedTask[]>();
  for (const task of tasks) {
    const { executor } = task;
    if (executor !== undefined) groups.set(executor, [...(groups.get(executor) ?? []), task]);
  }
  return [
    ...single.flatMap(({ reserve }) =>
      reserve.length === 0 ? [] : [{ type: 'RESERVE' as const, reserve: { resources: reserve } }],
    ),
    ...(single.length === 0
      ? []
      : [{ type: 'LAUNCH' as const, launch: { task_infos: single.map(({ info }) => info) } }]),
    ...[...groups].map(([executor, members]) => ({
      type: 'LAUNCH_GROUP' as const,
      launch_group: { executor, task_group: { tasks: members.map(({ info }) => info) } },
    })),
  ];
}
