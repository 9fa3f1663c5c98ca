import type { RunKey } from '#core';
import type { AgentExecutor } from './agent-executor.js';
import type { AgentTask } from './agent-task.js';

/** What is launched here: a task of its own, or an executor. */
type Launchable = Pick<AgentTask, 'phase' | 'launcher'> | Pick<AgentExecutor, 'phase' | 'launcher'>;

/** Work of one kind runs at most `limit` at a time; the rest waits in order of arrival. */
export type LaneName = 'fetch' | 'process' | 'docker';

export type LaneLimits = Readonly<Record<LaneName, number>>;

/** Docker: four pulls beside four starts, more add latency and no rate; processes: measured on two cores. */
export const DEFAULT_LANE_LIMITS: LaneLimits = { fetch: 8, process: 16, docker: 8 };

/** Owned by the agent's state and mutated in place: a launch must not cost the number of tasks. */
export type Lanes = Readonly<
  Record<
    LaneName,
    { readonly limit: number; readonly holders: Set<RunKey>; readonly waiting: Set<RunKey> }
  >
>;

export function createLanes(limits: LaneLimits): Lanes {
  const lane = (limit: number) => ({
    limit,
    holders: new Set<RunKey>(),
    waiting: new Set<RunKey>(),
  });
  return { fetch: lane(limits.fetch), process: lane(limits.process), docker: lane(limits.docker) };
}

/** Notes where a task stands now. Undefined: its record is gone. */
export function placeInLanes(lanes: Lanes, run: RunKey, task: Launchable | undefined): void {
  const place = task === undefined ? undefined : placeOf(task);
  for (const name of ['fetch', 'process', 'docker'] as const) {
    const lane = lanes[name];
    const isHere = place?.lane === name;
    if (isHere && place.holds) lane.holders.add(run);
    else lane.holders.delete(run);
    if (isHere && !place.holds) lane.waiting.add(run);
    else lane.waiting.delete(run);
  }
}

/** The task whose turn it is in some lane with a free slot, or undefined. Oldest first within a lane. */
export function nextInLanes(lanes: Lanes): RunKey | undefined {
  for (const lane of [lanes.docker, lanes.process, lanes.fetch]) {
    if (lane.holders.size >= lane.limit) continue;
    for (const run of lane.waiting) return run;
  }
  return undefined;
}

function placeOf(
  task: Launchable,
): { readonly lane: LaneName; readonly holds: boolean } | undefined {
  switch (task.phase.kind) {
    case 'received':
      return {
        lane: task.phase.waitsFor === 'fetch' ? 'fetch' : task.launcher,
        holds: false,
      };
    case 'fetching':
      return { lane: 'fetch', holds: true };
    case 'launching':
      return { lane: task.launcher, holds: true };
    default:
      return undefined;
  }
}
