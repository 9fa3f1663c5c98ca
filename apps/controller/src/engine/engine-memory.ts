import type { AgentId, App, AppId, DeploymentId, Instance, InstanceId, TaskId } from '#core';
import type { BackOff, DependencyGraph, LaunchQueue } from '#deployment';
import type { RouterReport, WireCheckResult } from '#marathon-v2';
import type { Site } from '#matcher';
import { AgentDepartures } from './agent-departures.js';
import type { DaemonWatch } from './daemon-watch.js';
import { DependencyWatches } from './dependency-watches.js';
import { ElapsedTimes } from './elapsed-times.js';
import type { QueueStatistics } from './queue-statistics.js';
import { SeenOffers } from './seen-offers.js';

/** Routers remembered at most; the longest silent one makes room. */
export const MAX_ROUTERS = 256;
/** A router silent for longer is forgotten, milliseconds. */
export const ROUTER_MEMORY_MS = 600_000;
/** Agents remembered for GROUP_BY without a number. */
const MAX_AGENT_SITES = 20_000;
/** Ports of ended tasks remembered per agent. */
const MAX_RECENT_PORTS = 256;
const MAX_STRANGERS = 10_000;

export interface RouterMemory {
  readonly heardEpochMs: number;
  readonly heardMonoMs: number;
  readonly report: RouterReport;
  readonly drainedTasks: ReadonlySet<string>;
  /** The first event it lacked, and when that was noticed; absent: it had applied everything. */
  readonly behind?: { readonly sequence: number; readonly sinceEpochMs: number };
}

/** What belongs to one running deployment beyond its row. */
export interface DeploymentMemory {
  /** The definitions before it, of the apps it changes. */
  readonly originals: ReadonlyMap<AppId, App>;
  readonly sentenced: ReadonlySet<InstanceId>;
  /** Apps whose action is done, in steps that are not over yet or were not long ago. */
  readonly finished: Set<AppId>;
  /** What apps under way wait for, in words. */
  readonly waiting: Map<AppId, readonly string[]>;
  /** Why apps whose turn has not come have to wait, in words. */
  readonly holds: Map<AppId, readonly string[]>;
  /** Of what it takes away, what depends on what: the other way round. Absent: nothing does. */
  readonly dependents?: DependencyGraph;
  /** Apps all of whose canaries served at the last look. */
  readonly servingCanaries: Set<AppId>;
  /** Apps that launch their old definition at the moment. */
  readonly launchingOld: Set<AppId>;
  /** Its deadline on the monotonic clock, for the stored one. */
  deadline?: { readonly epochMs: number; readonly monoMs: number };
  /** It has failed, and that is about to be stored. */
  isFailing: boolean;
}

/** A task nobody knows that runs, on its way out. */
export interface LeavingStranger {
  readonly agentId?: AgentId;
  readonly deadlineMonoMs: number;
}

export interface RouterWatch {
  lookedMonoMs: number;
  sinceMonoMs: number;
  firstHeardMonoMs?: number;
}

/** What is not stored: it is rebuilt, or starts unknown, after a restart. Owned and mutated by the engine. */
export class EngineMemory {
  readonly queue: LaunchQueue = new Map();
  readonly backOffs = new Map<AppId, BackOff>();
  /** Of apps that run on every agent; they have no entry in the queue. */
  readonly daemons = new Map<AppId, DaemonWatch>();
  readonly statistics = new Map<AppId, QueueStatistics>();
  readonly routers = new Map<string, RouterMemory>();
  /** Reports heard so far. */
  routerReports = 0;
  /** How long routers could be heard, and since when one was; nothing before the first look. */
  readonly routerWatch: RouterWatch = { lookedMonoMs: Number.NEGATIVE_INFINITY, sinceMonoMs: 0 };
  /** Draining tasks, each with an event id at which it was draining already. */
  drainingSince: ReadonlyMap<TaskId, number> = new Map();
  readonly deployments = new Map<DeploymentId, DeploymentMemory>();
  /** Apps whose turn in a deployment has not come, by what they wait for. */
  readonly dependencyWatches = new DependencyWatches();
  readonly elapsed = new ElapsedTimes();
  /** `host:port` of the master subscribed to last. */
  master: string | undefined;
  /** Instances this engine saw start: no result yet means that they have not passed yet. */
  readonly startedHere = new Set<InstanceId>();
  /** Instances whose readiness was told in the story of their deployment. */
  readonly toldReady = new Set<InstanceId>();
  /** What the `check` of an instance saw last, where it has one and that is known. */
  readonly checkResults = new Map<InstanceId, WireCheckResult>();
  /** Agents about to be taken out of service. */
  readonly departures = new AgentDepartures();
  readonly agentSites = new Map<AgentId, Site>();
  readonly seenOffers = new SeenOffers();
  /** Why apps outside of a deployment's current step are not as declared, in words. */
  readonly steadyWaiting = new Map<AppId, readonly string[]>();
  /** Living tasks of ours that nobody knows (being killed): a daemon waits until the one before it is gone. */
  readonly strangers = new Map<TaskId, AgentId>();
  /** Those of them that wait for their last requests. */
  readonly leavingStrangers = new Map<TaskId, LeavingStranger>();
  readonly recentPorts = new Map<AgentId, Set<number>>();
  /** ACCEPT is on its way: asking the master about them now would get a wrong answer. */
  readonly accepting = new Set<InstanceId>();
  /** Until then offers are asked for what is reserved for instances that are no more. */
  leftoversUntilMonoMs = Number.NEGATIVE_INFINITY;
  /** What the sweep found due is waiting to be stored. */
  isSettlingDue = false;
  /** Apps whose last ACCEPT the master refused. */
  readonly refusedLaunches = new Set<AppId>();
  /** Tasks that were placed before this engine started and that nothing has been heard of since. */
  readonly unconfirmed = new Set<TaskId>();
  /** Definitions that are no longer current but still run somewhere. */
  private readonly definitions = new Map<AppId, Map<string, App>>();
  private readonly counters = new Map<AppId, number>();
  private total = 0;
  /** Raised with each launch so that port choices differ. */
  launchSeed: number;

  constructor(seed: number) {
    this.launchSeed = seed * 7919;
  }

  /** Says that something shown of the app changed. */
  touch(app: AppId): void {
    this.total += 1;
    this.counters.set(app, this.total);
  }

  /** What the `check` of an instance saw, or that nobody can say. */
  putCheckResult({ id, appId }: Instance, result: WireCheckResult | undefined): void {
    if (JSON.stringify(result) === JSON.stringify(this.checkResults.get(id))) return;
    if (result === undefined) this.checkResults.delete(id);
    else this.checkResults.set(id, result);
    this.touch(appId);
  }

  counterOf(app: AppId): number {
    return this.counters.get(app) ?? 0;
  }

  get totalCounter(): number {
    return this.total;
  }

  /** Of several of one configuration the one kept last counts as the newest. */
  keepDefinition(app: App): void {
    const ofApp = this.definitions.get(app.id) ?? new Map<string, App>();
    ofApp.delete(app.version);
    this.definitions.set(app.id, ofApp.set(app.version, app));
  }

  definition(id: AppId, version: string): App | undefined {
    return this.definitions.get(id)?.get(version);
  }

  /** The newest definition kept of a configuration that is no longer current. O(definitions kept of the app). */
  newestOf(id: AppId, configVersion: string): App | undefined {
    let newest: App | undefined;
    for (const app of this.definitions.get(id)?.values() ?? []) {
      if (app.versionInfo.lastConfigChangeAt === configVersion) newest = app;
    }
    return newest;
  }

  /**
   * Drops definitions no instance was launched from, but for the newest of each configuration some instance runs.
   * O(definitions kept of the app).
   */
  pruneDefinitions(id: AppId, isUsed: (version: string) => boolean): void {
    const ofApp = this.definitions.get(id);
    if (ofApp === undefined) return;
    const newest = new Map<string, string>();
    const used = new Set<string>();
    for (const { version, versionInfo } of ofApp.values()) {
      newest.set(versionInfo.lastConfigChangeAt, version);
      if (isUsed(version)) used.add(versionInfo.lastConfigChangeAt);
    }
    for (const { version, versionInfo } of [...ofApp.values()]) {
      const { lastConfigChangeAt } = versionInfo;
      const isNewest = used.has(lastConfigChangeAt) && newest.get(lastConfigChangeAt) === version;
      if (!isNewest && !isUsed(version)) ofApp.delete(version);
    }
    if (ofApp.size === 0) this.definitions.delete(id);
  }

  forgetApp(id: AppId): void {
    this.queue.delete(id);
    this.daemons.delete(id);
    this.backOffs.delete(id);
    this.statistics.delete(id);
    this.steadyWaiting.delete(id);
    this.refusedLaunches.delete(id);
  }

  noteWaiting(app: AppId, reasons: readonly string[]): void {
    if (reasons.length === 0) this.steadyWaiting.delete(app);
    else this.steadyWaiting.set(app, reasons);
  }

  seeAgent(agent: AgentId, site: Site): void {
    if (this.agentSites.size >= MAX_AGENT_SITES && !this.agentSites.has(agent)) {
      const [oldest] = this.agentSites.keys();
      if (oldest !== undefined) this.agentSites.delete(oldest);
    }
    this.agentSites.set(agent, site);
  }

  noteStranger(task: TaskId, agent: AgentId | undefined): void {
    this.strangers.delete(task);
    if (agent === undefined) return;
    this.strangers.set(task, agent);
    const [oldest] = this.strangers.keys();
    if (this.strangers.size > MAX_STRANGERS && oldest !== undefined) this.strangers.delete(oldest);
  }

  freePorts(agent: AgentId, ports: readonly (number | null)[]): void {
    const recent = this.recentPorts.get(agent) ?? new Set<number>();
    this.recentPorts.set(agent, recent);
    for (const port of ports) {
      if (port === null) continue;
      recent.delete(port);
      recent.add(port);
    }
    for (const port of recent) {
      if (recent.size <= MAX_RECENT_PORTS) break;
      recent.delete(port);
    }
  }
}
