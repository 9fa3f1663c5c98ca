import type { Instance, Now, TaskId } from '#core';
import { type KnownRouters, ROUTER_RETURN_MS, ROUTER_SILENCE_MS, recentRouters } from '#deployment';
import type { RouterReport } from '#marathon-v2';
import type { EngineContext } from './engine-context.js';
import {
  type EngineMemory,
  MAX_ROUTERS,
  ROUTER_MEMORY_MS,
  type RouterMemory,
} from './engine-memory.js';

/** Takes in what a router reported; apps whose draining it may have ended are looked at. */
export function noteRouter(context: EngineContext, id: string, report: RouterReport): void {
  const { memory, ports } = context;
  const now = ports.clock.now();
  const draining = drainingInstances(context);
  noteDraining(context, draining);
  const drainedTasks = new Set<string>([
    ...report.drainedTasks,
    ...findUnknownThere(report, memory.drainingSince),
  ]);
  memory.routerWatch.firstHeardMonoMs ??= now.monoMs;
  const before = memory.routers.get(id);
  const behind = behindNow(context, before, report, now);
  // A report that was brought about by a change has none: what was told last still holds.
  const statistics = report.statistics ?? before?.report.statistics;
  memory.routerReports += 1;
  memory.routers.delete(id);
  memory.routers.set(id, {
    ...(behind === undefined ? {} : { behind }),
    heardEpochMs: now.epochMs,
    heardMonoMs: now.monoMs,
    report: { ...report, ...(statistics && { statistics }) },
    drainedTasks,
  });
  for (const [other, { heardMonoMs }] of memory.routers) {
    const isForgotten = now.monoMs - heardMonoMs > ROUTER_MEMORY_MS;
    if (!isForgotten && memory.routers.size <= MAX_ROUTERS) break;
    memory.routers.delete(other);
  }
  context.evaluateSoon(
    draining
      .filter((instance) => drainedTasks.has(instance.taskId))
      .map((instance) => instance.appId),
  );
}

/** Since when a router lacks an event that it still lacks. */
function behindNow(
  { state }: EngineContext,
  before: RouterMemory | undefined,
  { appliedSequence }: RouterReport,
  { epochMs }: Now,
): RouterMemory['behind'] {
  if (appliedSequence >= state.lastEventId) return undefined;
  const { behind } = before ?? {};
  if (behind !== undefined && appliedSequence < behind.sequence) return behind;
  return { sequence: appliedSequence + 1, sinceEpochMs: epochMs };
}

/** Whether it is waited for, and shown as being there. */
export const isRecent = ({ heardMonoMs }: RouterMemory, { monoMs }: Now): boolean =>
  monoMs - heardMonoMs <= ROUTER_SILENCE_MS;

/**
 * The routers that count now. They are kept in memory only and report every two seconds, so right after the start, and
 * after a time in which this process stood still, none heard of says nothing: their way to whoever leads now may lead
 * through a controller that is only starting. When the first is heard the way is open, and the others have as long again.
 * Asked at least at every sweep, which is how standing still shows.
 */
export function knownRouters(memory: EngineMemory, { monoMs }: Now): KnownRouters {
  const watch = memory.routerWatch;
  if (monoMs - watch.lookedMonoMs > ROUTER_SILENCE_MS) {
    watch.sinceMonoMs = monoMs;
    delete watch.firstHeardMonoMs;
  }
  watch.lookedMonoMs = Math.max(watch.lookedMonoMs, monoMs);
  const { sinceMonoMs, firstHeardMonoMs } = watch;
  const knownAtMonoMs =
    firstHeardMonoMs === undefined
      ? sinceMonoMs + ROUTER_RETURN_MS
      : Math.max(sinceMonoMs, firstHeardMonoMs) + ROUTER_SILENCE_MS;
  return monoMs <= knownAtMonoMs ? 'unknown' : recentRouters(memory.routers.values(), monoMs);
}

const drainingInstances = ({ state }: EngineContext): readonly Instance[] =>
  [...state.unsettled]
    .map((instanceId) => state.instance(instanceId))
    .filter((instance): instance is Instance => instance?.draining !== undefined);

/** The latest event id by now is not older than the event that told of the draining. */
function noteDraining({ memory, state }: EngineContext, draining: readonly Instance[]): void {
  const known = memory.drainingSince;
  const tasks = [...draining.map(({ taskId }) => taskId), ...memory.leavingStrangers.keys()];
  memory.drainingSince = new Map(tasks.map((task) => [task, known.get(task) ?? state.lastEventId]));
}

/** Draining tasks a router has heard of (it is past that event) and does not know: it never sent them a request. */
function findUnknownThere(
  { appliedSequence, busyTasks }: RouterReport,
  drainingSince: ReadonlyMap<TaskId, number>,
): readonly string[] {
  if (busyTasks === undefined) return [];
  const busy = new Set(busyTasks);
  return [...drainingSince]
    .filter(([taskId, sequence]) => appliedSequence >= sequence && !busy.has(taskId))
    .map(([taskId]) => taskId);
}
