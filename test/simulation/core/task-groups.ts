import type { ExecutorInfo, WireResource } from '#mesos-v1';
import type { Demand, FrameworkHabits } from './demand.js';

/** Tasks of a demand that are launched together. */
export const GROUP_SIZE = 2;
const GROUPED_BELOW_MS = 3_000;

/** About every second service is, but of frameworks that reserve and of custom executors. How long it would take means nothing to a service. */
export const isGrouped = (demand: Demand, { reserves }: FrameworkHabits): boolean =>
  demand.kind === 'service' &&
  demand.durationMs < GROUPED_BELOW_MS &&
  demand.executor === undefined &&
  !reserves;

export const toGroupExecutor = (id: string, held: readonly WireResource[]): ExecutorInfo => ({
  executor_id: { value: `group-of-${id}` },
  type: 'DEFAULT',
  resources: held,
});
