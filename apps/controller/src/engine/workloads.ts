import {
  type AgentId,
  type App,
  type AppId,
  type Deployment,
  type Instance,
  isDormant,
  isTerminalCondition,
  isUnreachableCondition,
  type JobProgress,
  type Now,
} from '#core';
import {
  beginRun,
  jobEndOf,
  jobFailure,
  noteJobEnd,
  type QueueEntry,
  type RolloutInput,
  type RolloutMode,
  takeForLaunch,
} from '#deployment';
import type { WorkloadView } from './controller-engine.port.js';
import { DaemonWatch } from './daemon-watch.js';
import { configVersionOf, definitionOf } from './definitions.js';
import { failRunning } from './deployment-progress.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';

/** What a rollout of the app needs to know because of its kind. Begins to watch a daemon, and a new run of a job. */
export function workloadInput(
  context: EngineContext,
  draft: Draft,
  app: App,
  mode: RolloutMode,
): Pick<RolloutInput, 'daemon' | 'job'> {
  const isDaemon = app.workload === 'daemon' && mode !== 'stop';
  if (!isDaemon) forgetDaemon(context, app.id);
  if (app.workload !== 'job') draft.deleteJob(app.id);
  if (mode === 'stop') return {};
  if (isDaemon) {
    const facts = watchDaemon(context, draft, app).facts(draft.now);
    return { daemon: { ...facts, owed: facts.owed + countEnding(context, draft, app.id) } };
  }
  if (app.workload !== 'job') return {};
  const known = draft.job(app.id);
  if (known?.run === app.versionInfo.lastConfigChangeAt) return { job: known };
  const job = beginRun(app);
  draft.putJob(job);
  return { job };
}

/**
 * Agents whose instance ends in this very transaction: the watch hears of it when it is stored, and until then they must
 * not be missing where it is counted how many must serve.
 */
function countEnding({ state }: EngineContext, draft: Draft, app: AppId): number {
  const stored = state.instancesOf(app);
  const current = draft.instancesOf(app);
  if (stored === current) return 0;
  const agents = new Set<AgentId>();
  for (const { placement, condition } of stored.values()) {
    if (placement !== undefined && !isUnreachableCondition(condition))
      agents.add(placement.agentId);
  }
  for (const { placement } of current.values()) {
    if (placement !== undefined) agents.delete(placement.agentId);
  }
  return agents.size;
}

function watchDaemon({ memory, demand }: EngineContext, draft: Draft, app: App): DaemonWatch {
  const known = memory.daemons.get(app.id);
  const watch =
    known?.key === app.versionInfo.lastConfigChangeAt ? known : new DaemonWatch(app, draft.now);
  watch.app = app;
  if (memory.master !== undefined) watch.connected(draft.now);
  if (watch === known) return watch;
  memory.daemons.set(app.id, watch);
  memory.touch(app.id);
  demand.update({ isNew: true });
  return watch;
}

/** Nothing of the app is launched on agents any more. */
export function forgetDaemon({ memory, demand }: EngineContext, app: AppId): void {
  if (memory.daemons.delete(app)) demand.update({ isNew: false });
}

/** A daemon waits only for agents that are to have it. */
export function owedEntry(watch: DaemonWatch | undefined, now: Now): QueueEntry | undefined {
  const count = watch?.owedCount(now) ?? 0;
  return watch === undefined || count === 0
    ? undefined
    : { app: watch.app, count, sinceEpochMs: watch.sinceEpochMs };
}

/** Daemons of which time alone has changed what is to be done. */
export function dueDaemons({ memory, demand }: EngineContext, now: Now): readonly AppId[] {
  const due: AppId[] = [];
  for (const [id, watch] of memory.daemons) {
    if (memory.master !== undefined) watch.connected(now);
    if (watch.misses(now)) demand.update({ isNew: true });
    if (!watch.isDue(now)) continue;
    memory.touch(id);
    due.push(id);
  }
  return due;
}

/**
 * How many instances of an app may be launched. Of a job what has just finished counts, though the queue was filled
 * before: it was given up for lost, say, and another was to take its place. O(instances of the job).
 */
export function mostLaunches(context: EngineContext, draft: Draft, app: App): number {
  const progress = app.workload === 'job' ? draft.job(app.id) : undefined;
  const run = app.versionInfo.lastConfigChangeAt;
  if (progress?.run !== run) return Number.POSITIVE_INFINITY;
  if (progress.failed > 0) return 0;
  let left = app.instances - progress.completed;
  for (const instance of draft.instancesOf(app.id).values()) {
    const { condition } = instance;
    if (isTerminalCondition(condition) || condition === 'UnreachableInactive') continue;
    if (configVersionOf(context, draft.root, instance) === run) left -= 1;
  }
  return Math.max(0, left);
}

/** What a launch of a job carries, so that it is known how often it may still fail. */
export function failedBefore(draft: Draft, app: App): Pick<Instance, 'failedBefore'> {
  const progress = app.workload === 'job' ? draft.job(app.id) : undefined;
  const times = progress === undefined ? 0 : takeForLaunch(progress).failedBefore;
  return times === 0 ? {} : { failedBefore: times };
}

/** A launch of a job is decided: it no longer waits. */
export function noteJobLaunch(draft: Draft, app: App): void {
  const progress = app.workload === 'job' ? draft.job(app.id) : undefined;
  if (progress === undefined) return;
  const taken = takeForLaunch(progress).progress;
  if (taken !== progress) draft.putJob(taken);
}

/**
 * Settles what the end of an instance means for a daemon or a job, stored together with it. `isLost`: nobody saw it end.
 * Returns whether launches of the whole app are to be delayed should the end be counted.
 */
export function settleWorkload(
  context: EngineContext,
  draft: Draft,
  instance: Instance,
  ended: { readonly isCounted: boolean; readonly isLost: boolean },
): boolean {
  const app = definitionOf(context, draft.root, instance);
  draft.after(() => settleDaemon(context, instance, app, ended));
  if (app?.workload === 'daemon') return false;
  if (app?.workload !== 'job') return true;
  const progress = draft.job(app.id);
  if (progress?.run === app.versionInfo.lastConfigChangeAt) {
    const noted = noteJobEnd(progress, {
      end: ended.isLost ? 'lost' : jobEndOf(instance),
      failedBefore: instance.failedBefore ?? 0,
      maxRetries: app.maxRetries ?? 0,
    });
    if (noted !== progress) draft.putJob(noted);
  }
  return instance.condition !== 'Finished';
}

/** An agent of a daemon has lost its instance, perhaps one of the service that the app was before. */
function settleDaemon(
  { memory, state, ports, demand }: EngineContext,
  { appId, condition, placement }: Instance,
  app: App | undefined,
  ended: { readonly isCounted: boolean; readonly isLost: boolean },
): void {
  const watch = memory.daemons.get(appId);
  if (watch === undefined || placement === undefined) return;
  memory.touch(appId);
  if (ended.isLost || condition === 'Gone') {
    watch.settle(placement.agentId);
    // Offers of the agent may have been refused because of the instance that is forgotten now.
    demand.update({ isNew: true });
    return;
  }
  const others = [...state.instancesOf(appId).values()].filter((one) => !isDormant(one));
  if (others.some((other) => other.placement?.agentId === placement.agentId)) return;
  const isCounted = ended.isCounted && watch.key === app?.versionInfo.lastConfigChangeAt;
  watch.ended(placement.agentId, ports.clock.now(), { isCounted });
  demand.update({ isNew: false });
}

/** A job that cannot complete any more has its deployment fail, once nothing of it runs. */
export function failJob(
  context: EngineContext,
  draft: Draft,
  about: {
    readonly deployment: Deployment;
    readonly app: App;
    readonly job: JobProgress | undefined;
  },
): void {
  const { app, job } = about;
  const failure = job === undefined ? undefined : jobFailure(app, job);
  const deployment = draft.deployment(about.deployment.id);
  if (failure === undefined || deployment?.state !== 'Running') return;
  if (![...draft.instancesOf(app.id).values()].every(isDormant)) return;
  failRunning(context, draft, deployment, `${app.id}: ${failure}`);
}

/** How many instances there should be at present: of a daemon one on each agent seen, of a job what has not finished. */
export function wantedCount({ memory, state }: EngineContext, app: App): number {
  if (app.workload === 'daemon') return memory.agentSites.size;
  const progress = app.workload === 'job' ? state.jobs.get(app.id) : undefined;
  const isSameRun = progress?.run === app.versionInfo.lastConfigChangeAt;
  return isSameRun ? Math.max(0, app.instances - progress.completed) : app.instances;
}

/** What is shown of an app because of its kind. O(instances of the app). */
export function workloadView(
  { memory, state, ports }: EngineContext,
  app: App,
): WorkloadView | undefined {
  if (app.workload === 'daemon') {
    let wanted = memory.daemons.get(app.id)?.owedCount(ports.clock.now()) ?? 0;
    for (const instance of state.instancesOf(app.id).values()) {
      const { condition } = instance;
      if (isTerminalCondition(condition) || isUnreachableCondition(condition)) continue;
      if (!isDormant(instance)) wanted += 1;
    }
    return { kind: 'daemon', wanted };
  }
  if (app.workload !== 'job') return undefined;
  const progress = state.jobs.get(app.id);
  const { completed, failed } = progress ?? { completed: 0, failed: 0 };
  const failure = progress === undefined ? undefined : jobFailure(app, progress);
  return { kind: 'job', completed, failed, ...(failure === undefined ? {} : { failure }) };
}
