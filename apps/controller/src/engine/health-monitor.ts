import {
  type App,
  type AppId,
  type Clock,
  type HealthCheck,
  type HealthEffect,
  type HealthEvent,
  type HealthState,
  type HealthVerdict,
  type Instance,
  type InstanceId,
  isSameValue,
  judgeHealth,
  type ProbeTarget,
  reduceHealth,
  unknownHealth,
} from '#core';
import type { EnginePorts } from './engine-ports.js';
import {
  counted,
  graceEndsAt,
  type HealthWatch,
  indexOfResult,
  makeWatch,
  verdictOf,
  type WatchedInstance,
} from './health-watch.js';
import type { ProbePool } from './probe-pool.js';
import { toProbeTarget } from './probe-target.js';

/** While an instance starts up (in its grace period, never healthy yet) it is looked at often. */
const FIRST_PROBE_MS = 250;
const STARTING_INTERVAL_MS = 1_000;
/** Marathon's: without a grace period the first look is not at once. */
const MAX_FIRST_PROBE_MS = 5_000;
const MIN_INTERVAL_MS = 100;
/** Results are told about together, this long after the first, milliseconds. */
const RESULTS_MS = 1_000;

/** One thing that happened to the health of an instance. */
export interface HealthNews {
  readonly instance: Instance;
  readonly healthCheck: HealthCheck;
  readonly effects: readonly HealthEffect[];
  /** Of all checks together, after this. */
  readonly verdict: HealthVerdict;
}

export interface HealthMonitorSettings {
  readonly clock: Clock;
  readonly pool: ProbePool;
  readonly runCommand: EnginePorts['runCommand'];
  /** The instance as it is now; undefined: it is gone. */
  readonly instanceOf: (id: InstanceId) => Instance | undefined;
  readonly onNews: (news: HealthNews) => void;
  /** These apps have new results, whether or not they changed anything; told at most once a second. */
  readonly onResults: (apps: readonly AppId[]) => void;
}

/**
 * Keeps the health of every running instance in memory: results of the check the agent runs come in with its status
 * updates, all others are probed from here.
 */
export class HealthMonitor {
  private readonly watches = new Map<InstanceId, HealthWatch>();
  private readonly withResults = new Set<AppId>();
  private cancelTelling: (() => void) | undefined;

  constructor(private readonly settings: HealthMonitorSettings) {}

  /** Begins to watch a running instance, or goes over to a definition with other checks; otherwise has no effect. */
  watch(watched: WatchedInstance): void {
    const { app, instance } = watched;
    const previous = this.watches.get(instance.id);
    if (previous === undefined && app.healthChecks.length === 0) return;
    if (previous?.app === app) return;
    if (previous !== undefined && isSameValue(previous.app.healthChecks, app.healthChecks)) {
      previous.app = app;
      return;
    }
    const { clock, runCommand } = this.settings;
    const about = { now: clock.now(), canRunCommands: runCommand !== undefined };
    const watch = makeWatch(watched, about, previous);
    this.forget(instance.id);
    if (app.healthChecks.length === 0) return;
    this.watches.set(instance.id, watch);
    for (const [index, check] of app.healthChecks.entries()) {
      if (watch.byAgent.has(index) || watch.ignored.has(index)) continue;
      this.schedule(watch, index, firstProbeMs(watch, index, check));
    }
  }

  /** Before it has checks an instance that runs is in order, and the first ones to come find it so. */
  adopt(watched: WatchedInstance, before: App): void {
    if (!this.watches.has(watched.instance.id) && before.healthChecks.length === 0) {
      const about = { now: this.settings.clock.now(), canRunCommands: false };
      this.watches.set(watched.instance.id, makeWatch({ ...watched, app: before }, about));
    }
    this.watch(watched);
  }

  forget(id: InstanceId): void {
    const watch = this.watches.get(id);
    for (const cancel of watch?.cancels.values() ?? []) cancel();
    this.watches.delete(id);
  }

  stop(): void {
    for (const id of [...this.watches.keys()]) this.forget(id);
    this.cancelTelling?.();
  }

  /** A result of the check the agent runs. The same update heard twice counts once. */
  agentResult(
    id: InstanceId,
    result: {
      readonly healthy: boolean;
      readonly message: string;
      readonly uuid?: string;
      /** Of a pod: whose result it is, and since when that one runs. */
      readonly container?: { readonly name: string; readonly startedAtEpochMs: number };
    },
  ): void {
    const watch = this.watches.get(id);
    const name = result.container?.name;
    const index = watch === undefined ? undefined : indexOfResult(watch, name);
    if (watch === undefined || index === undefined) return;
    const isRepeated =
      result.uuid !== undefined && result.uuid === watch.lastAgentUuids.get(name ?? '');
    // Without a uuid it is a reconciliation answer: it tells the state, it is no further failure.
    const isKnown = result.uuid === undefined && watch.checks[index] !== undefined;
    if (isRepeated || (isKnown && !result.healthy)) return;
    if (result.uuid !== undefined) watch.lastAgentUuids.set(name ?? '', result.uuid);
    this.noteStart(watch, index, result.container?.startedAtEpochMs);
    this.apply(
      watch,
      index,
      result.healthy ? { kind: 'passed' } : { kind: 'failed', cause: result.message },
    );
  }

  /** It has finished, and nobody asks it any more. */
  ignoreContainer(id: InstanceId, container: string): void {
    const watch = this.watches.get(id);
    const index = watch === undefined ? undefined : indexOfResult(watch, container);
    if (index !== undefined) watch?.ignored.add(index);
  }

  /** What is known of the containers of a pod that have a check, by name. */
  containerHealth(id: InstanceId): ReadonlyMap<string, boolean> {
    const known = new Map<string, boolean>();
    const watch = this.watches.get(id);
    for (const { name } of watch?.app.pod?.containers ?? []) {
      const index = watch === undefined ? undefined : indexOfResult(watch, name);
      const check = index === undefined ? undefined : watch?.checks[index];
      if (check !== undefined) known.set(name, check.alive);
    }
    return known;
  }

  verdictOf(id: InstanceId, app: App | undefined): HealthVerdict {
    const watch = this.watches.get(id);
    if (watch !== undefined) return verdictOf(watch);
    return (app?.healthChecks.length ?? 0) === 0 ? 'healthy' : 'unknown';
  }

  condemnedOf(id: InstanceId): HealthWatch['condemned'] {
    return this.watches.get(id)?.condemned;
  }

  resultsOf(id: InstanceId): readonly HealthState[] {
    return (this.watches.get(id)?.checks ?? []).filter((check) => check !== undefined);
  }

  /** Instances that failed often enough to be replaced. */
  condemned(): readonly Instance[] {
    const found: Instance[] = [];
    for (const { id, condemned } of this.watches.values()) {
      const instance = condemned === undefined ? undefined : this.settings.instanceOf(id);
      if (instance !== undefined) found.push(instance);
    }
    return found;
  }

  private schedule(watch: HealthWatch, index: number, delayMs: number): void {
    const cancel = this.settings.clock.schedule(delayMs, () => void this.probe(watch, index));
    watch.cancels.set(index, cancel);
  }

  private async probe(watch: HealthWatch, index: number): Promise<void> {
    const check = watch.app.healthChecks[index];
    if (check === undefined) return;
    const instance = this.probedInstance(watch);
    if (instance !== undefined) {
      const event = await this.ask(watch, instance, check);
      if (this.watches.get(watch.id) !== watch) return;
      // What turned unreachable meanwhile, or is being killed, says nothing about its health.
      if (event !== undefined && this.probedInstance(watch) !== undefined) {
        this.apply(watch, index, event);
      }
    }
    if (this.watches.get(watch.id) !== watch) return;
    this.schedule(watch, index, this.intervalMs(watch, index, check));
  }

  /** The instance while it is to be probed: it runs and is meant to. */
  private probedInstance({ id }: HealthWatch): Instance | undefined {
    const instance = this.settings.instanceOf(id);
    const isProbed = instance?.condition === 'Running' && instance.goal === 'Running';
    return isProbed ? instance : undefined;
  }

  /** Undefined: nothing was asked, which says nothing. */
  private async ask(
    watch: HealthWatch,
    instance: Instance,
    check: HealthCheck,
  ): Promise<HealthEvent | undefined> {
    const timeoutMs = Math.max(1, check.timeoutSeconds * 1000);
    const found = this.targetOf(watch.app, instance, check);
    if (!found.ok) return { kind: 'failed', cause: found.reason };
    const result = await this.settings.pool.probe(found.target, timeoutMs);
    if (result.skipped === true || found.wasAsked?.() === false) return undefined;
    const isInformational =
      check.ignoreHttp1xx && result.status !== undefined && result.status < 200;
    if (isInformational) return { kind: 'passed' };
    return result.passed ? { kind: 'passed' } : { kind: 'failed', cause: result.detail };
  }

  private targetOf(
    app: App,
    instance: Instance,
    check: HealthCheck,
  ):
    | {
        readonly ok: true;
        readonly target: ProbeTarget;
        readonly wasAsked?: () => boolean;
      }
    | { readonly ok: false; readonly reason: string } {
    const { runCommand } = this.settings;
    if (check.protocol !== 'COMMAND') return toProbeTarget(app, instance, check);
    const command = check.command?.value;
    if (runCommand === undefined || command === undefined) {
      return { ok: false, reason: 'the command cannot be run from the controller' };
    }
    let wasAsked = true;
    const run = async (timeoutMs: number) => {
      const ended = await runCommand(instance, command, timeoutMs);
      wasAsked = ended !== undefined;
      return ended ?? { exitCode: 1, output: '' };
    };
    return { ok: true, target: { kind: 'command', run }, wasAsked: () => wasAsked };
  }

  private tellOfResult(app: AppId): void {
    this.withResults.add(app);
    this.cancelTelling ??= this.settings.clock.schedule(RESULTS_MS, () => {
      this.cancelTelling = undefined;
      const apps = [...this.withResults];
      this.withResults.clear();
      this.settings.onResults(apps);
    });
  }

  private intervalMs(watch: HealthWatch, index: number, check: HealthCheck): number {
    const intervalMs = Math.max(MIN_INTERVAL_MS, check.intervalSeconds * 1000);
    const wasHealthy = watch.checks[index]?.firstSuccessEpochMs !== undefined;
    const isInGrace = this.settings.clock.now().monoMs < graceEndsAt(watch, index, check);
    return !wasHealthy && isInGrace ? Math.min(intervalMs, STARTING_INTERVAL_MS) : intervalMs;
  }

  private noteStart(watch: HealthWatch, index: number, startedAtEpochMs: number | undefined): void {
    if (startedAtEpochMs === undefined || watch.containerStartedMonoMs.has(index)) return;
    const { epochMs, monoMs } = this.settings.clock.now();
    watch.containerStartedMonoMs.set(index, monoMs - Math.max(0, epochMs - startedAtEpochMs));
  }

  private apply(watch: HealthWatch, index: number, event: HealthEvent): void {
    const healthCheck = watch.app.healthChecks[index];
    if (healthCheck === undefined) return;
    const now = this.settings.clock.now();
    const { state, effects } = reduceHealth(watch.checks[index] ?? unknownHealth, event, now, {
      graceEndsAtMonoMs: graceEndsAt(watch, index, healthCheck),
      maxConsecutiveFailures: healthCheck.maxConsecutiveFailures,
    });
    watch.checks[index] = state;
    if (effects.some(({ kind }) => kind === 'condemned')) {
      watch.condemned = { sinceMonoMs: now.monoMs, cause: state.lastFailureCause ?? '' };
    } else if (event.kind === 'passed' && watch.condemned !== undefined) {
      if (judgeHealth(counted(watch)) !== 'unhealthy') delete watch.condemned;
    }
    this.tellOfResult(watch.app.id);
    const instance = this.settings.instanceOf(watch.id);
    if (effects.length > 0 && instance !== undefined) {
      this.settings.onNews({ instance, healthCheck, effects, verdict: verdictOf(watch) });
    }
  }
}

/** A check that has a result goes on at its interval. */
function firstProbeMs(watch: HealthWatch, index: number, check: HealthCheck): number {
  const intervalMs = Math.max(MIN_INTERVAL_MS, check.intervalSeconds * 1000);
  if (watch.checks[index]?.lastSuccessEpochMs !== undefined) return intervalMs;
  return check.gracePeriodSeconds > 0 ? FIRST_PROBE_MS : Math.min(intervalMs, MAX_FIRST_PROBE_MS);
}
