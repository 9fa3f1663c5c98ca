import { type Logger, SerialQueue } from '#platform';
import { type EdgeModel, type RouteTable, toEdgeModel } from '#routing';
import {
  CertificateFollower,
  type FollowedCertificates,
} from '../certificates/certificate-follower.js';
import type { ControllerClient, ControllerEvent } from '../controller/controller-client.js';
import { affectedApps, isTaskEvent } from './affected-apps.js';
import { AppMirror, type MirrorListener } from './app-mirror.js';
import { ChangedApps } from './changed-apps.js';
import { DrainCounter } from './drain-counter.js';
import type { Edge } from './edge.port.js';
import { EdgeReloader } from './edge-reloader.js';
import { followController } from './follow-controller.js';
import type { HealthRecord } from './health-record.js';
import { HostAddresses } from './host-addresses.js';
import { pause } from './pause.js';
import { Problems } from './problems.js';
import { appsOfTable, type EdgeRules, WantedEdge } from './wanted-edge.js';

export interface RouterLoopOptions {
  readonly routerId: string;
  readonly rules: () => EdgeRules;
  readonly ownPorts?: readonly number[];
  readonly client: Pick<ControllerClient, 'follow' | 'getApp' | 'listApps' | 'report'>;
  readonly edge: Edge;
  readonly health: Pick<HealthRecord, 'load' | 'save'>;
  /** Whether a port can be bound now. */
  readonly isPortFree: (port: number) => Promise<boolean>;
  readonly logger: Logger;
  readonly url: () => string;
  /** TLS by host name. */
  readonly certificates?: FollowedCertificates;
  /** What is told of HAProxy with every report that was not brought about by a change; absent: the status. */
  readonly statistics?: () => Readonly<Record<string, unknown>>;
  /** DNS: it is told of apps with and without routes, at once. */
  readonly names?: MirrorListener & { readonly followRoutes: (table: RouteTable) => void };
}

const RESYNC_INTERVAL_MS = 30_000;
/** Where events are numbered a gap shows, so everything is read anew this seldom. */
const NUMBERED_RESYNC_MS = 300_000;
/** What HAProxy has is compared with what it should have this often. */
const REFRESH_INTERVAL_MS = 10_000;
const REPORT_INTERVAL_MS = 2_000;
const DRAIN_POLL_MS = 40;
const FAILURE_PAUSE_MS = 100;
/** Of our controller: a certificate was stored or removed. */
const CERTIFICATE_EVENT = 'certificate_changed_event';
/** Above this many changed apps one full read is cheaper. */
const MAX_SINGLE_READS = 16;
/** A pass is followed by a rest this many times as long, so that bursts are coalesced. */
const REST_FACTOR = 2;
const MIN_REST_MS = 5;
const MAX_REST_MS = 100;
const DELETION_RETRY_MS = 500;
const PERSIST_DELAY_MS = 200;

/**
 * Keeps HAProxy at what the controller says: events mark apps as changed, a pass reads them, plans and applies. A full
 * snapshot is read on connect, on a gap, every 30 s and after any failure. While the controller is away the edge serves
 * what it last knew.
 */
export class RouterLoop {
  private readonly mirror: AppMirror;
  private readonly changed = new ChangedApps(() => this.wake());
  private routedApps: ReadonlySet<string> = new Set();
  private isAllDirty = true;
  private isApplyDirty = false;
  private hasSnapshot = false;
  private wake: () => void = () => undefined;
  private stopped = new AbortController();
  private lastEventId = 0;
  private lastFullReadMs = 0;
  private appliedSequence = 0;
  private readonly drain: DrainCounter;
  /** Sessions are counted between two changes of the edge: no server leaves rotation after they were counted. */
  private readonly turns = new SerialQueue({ name: 'edge', limit: 8 });
  readonly reloader: EdgeReloader;
  private isPassing = false;
  private applyTimer: NodeJS.Timeout | undefined;
  private persistTimer: NodeJS.Timeout | undefined;
  private persisting: Promise<void> = Promise.resolve();
  private isResyncDue = false;
  private isRefreshDue = false;
  private isHaproxyGone = false;
  private readonly addresses = new HostAddresses({ onChange: () => this.markAll() });
  private readonly timers: NodeJS.Timeout[] = [];
  private running: Promise<unknown> = Promise.resolve();
  table: RouteTable = { routes: [], conflicts: [] };
  isConnected = false;
  private readonly problems = new Problems();
  private readonly certificates: CertificateFollower;

  constructor(private readonly options: RouterLoopOptions) {
    this.mirror = new AppMirror(options.names);
    this.drain = new DrainCounter(this.mirror, options.edge);
    const { edge, logger, isPortFree, rules, ownPorts = [] } = options;
    this.certificates = new CertificateFollower(options.certificates, this.problems, logger);
    this.reloader = new EdgeReloader({
      ...{ edge, logger, isPortFree, ownPorts, problems: this.problems },
      wanted: new WantedEdge(this.mirror, rules),
      onOpen: () => this.markApply(),
    });
  }

  async start(): Promise<void> {
    await this.certificates.start();
    await this.options.edge.start(toEdgeModel({ routes: [], conflicts: [] }));
    this.mirror.recall(await this.options.health.load());
    this.running = Promise.all([this.followEvents(), this.runPasses(), this.pollDraining()]);
    this.timers.push(setInterval(() => this.resyncInTime(), RESYNC_INTERVAL_MS));
    this.timers.push(setInterval(() => this.refresh(), REFRESH_INTERVAL_MS));
    this.timers.push(setInterval(() => void this.report({ isWhole: true }), REPORT_INTERVAL_MS));
  }

  /** HAProxy serves on as it is, for the next router to adopt. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.changed.stop();
    this.addresses.stop();
    for (const timer of this.timers) clearInterval(timer);
    for (const timer of [this.applyTimer, this.persistTimer]) clearTimeout(timer);
    this.reloader.stop();
    this.wake();
    await this.running;
    await this.persisting;
    await this.options.edge.leave();
    if (this.hasSnapshot) await this.options.health.save(this.mirror.healthyTasks());
  }

  /** Ends HAProxy too: the edge is switched off. */
  async end(): Promise<void> {
    await this.stop();
    await this.options.edge.stop();
  }

  /** Called when HAProxy ended by itself: it is started again at once. */
  haproxyGone(): void {
    this.isHaproxyGone = true;
    this.markApply();
  }

  status(): Readonly<Record<string, unknown>> {
    const { edge } = this.options;
    return {
      connected: this.isConnected,
      appliedSequence: this.appliedSequence,
      routes: this.table.routes.length,
      conflicts: this.table.conflicts.length,
      haproxyPid: edge.pid ?? null,
      reloads: edge.reloads,
      runtimeChanges: edge.runtimeChanges,
      driftRepairs: edge.driftRepairs,
      ...(this.problems.text === undefined ? {} : { lastProblem: this.problems.text }),
    };
  }

  /** What keeps the edge from being up to date. */
  get openProblems(): Problems['list'] {
    return this.problems.list;
  }

  /** Reads everything anew and tries again what could not be had. */
  resync(): void {
    this.isResyncDue = true;
    this.markAll();
  }

  private resyncInTime(): void {
    this.isResyncDue = true;
    this.addresses.refresh();
    const isNumbered = this.isConnected && this.lastEventId > 0;
    const dueMs = this.lastFullReadMs + (isNumbered ? NUMBERED_RESYNC_MS : 0);
    (performance.now() < dueMs ? this.markApply : this.markAll).call(this);
  }

  private refresh(): void {
    this.isRefreshDue = true;
    this.certificates.isDue = true;
    this.markApply();
  }

  private markAll(): void {
    this.isAllDirty = true;
    this.wake();
  }

  private markApply(): void {
    this.isApplyDirty = true;
    this.wake();
  }

  private onEvent(event: ControllerEvent): void {
    if (event.id !== undefined) this.lastEventId = event.id;
    if (event.type === CERTIFICATE_EVENT) {
      this.certificates.isDue = true;
      this.markApply();
      return;
    }
    const affected = event.type === 'resync' ? { kind: 'all' as const } : affectedApps(event);
    if (affected.kind === 'all') this.markAll();
    else {
      for (const id of affected.ids) {
        const isServed = this.routedApps.has(id) || this.options.names !== undefined;
        const isUrgent = isServed || !this.mirror.has(id) || !isTaskEvent(event);
        this.changed.add(id, { isUrgent });
      }
    }
  }

  private followEvents(): Promise<void> {
    const { client, logger } = this.options;
    return followController({
      client,
      signal: this.stopped.signal,
      onOpen: () => {
        this.isConnected = true;
        this.problems.clear('event stream');
        this.certificates.isDue = true;
        this.markAll();
      },
      onEvent: (event) => this.onEvent(event),
      onEnd: (error) => {
        if (error !== undefined && this.isConnected && !this.stopped.signal.aborted) {
          logger.warn({ err: error }, 'event stream broke');
        }
        this.isConnected = false;
        this.problems.note('event stream', error ?? 'it ended');
      },
    });
  }

  private async runPasses(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      if (!this.isAllDirty && !this.isApplyDirty && this.changed.size === 0) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        continue;
      }
      const startedMs = performance.now();
      this.isPassing = true;
      try {
        await this.pass();
        this.problems.clear('HAProxy');
      } catch (error) {
        this.problems.note('HAProxy', error);
        this.options.logger.warn({ err: error }, 'could not bring the edge up to date');
        this.isApplyDirty = true;
        await pause(FAILURE_PAUSE_MS, this.stopped.signal);
      }
      const restMs = (performance.now() - startedMs) * REST_FACTOR;
      await pause(Math.min(Math.max(MIN_REST_MS, restMs), MAX_REST_MS), this.stopped.signal);
    }
  }

  private async pass(): Promise<void> {
    if (this.isHaproxyGone) {
      await this.options.edge.restart(toEdgeModel(this.table));
      this.isHaproxyGone = this.options.edge.pid === undefined;
    }
    const sequence = await this.read();
    this.isApplyDirty = false;
    await this.certificates.follow();
    if (!this.hasSnapshot) return;
    if (this.isResyncDue) await this.reloader.retryPorts();
    this.isResyncDue = false;
    await this.turns.run(async () => {
      if (this.isRefreshDue) await this.options.edge.refresh();
      this.isRefreshDue = false;
      const { table, model } = this.reloader.build();
      this.setTable(table);
      await this.apply(model);
      // Before the sequence: a task draining at that sequence which is in no list counts as drained.
      await this.drain.update();
    });
    if (sequence !== undefined) this.appliedSequence = Math.max(this.appliedSequence, sequence);
    this.isPassing = false;
    void this.report();
  }

  /** Servers with connections left are deleted a little later. */
  private applyLater(): void {
    this.applyTimer ??= setTimeout(() => {
      this.applyTimer = undefined;
      this.markApply();
    }, DELETION_RETRY_MS);
  }

  /** The files on disk follow off the hot path: they take fsyncs and only serve a restart. */
  private persistLater(): void {
    this.persistTimer ??= setTimeout(() => {
      this.persisting = this.options.edge
        .persist()
        .catch((error: unknown) =>
          this.options.logger.warn({ err: error }, 'cannot write haproxy.cfg'),
        )
        .then(() => this.options.health.save(this.mirror.healthyTasks()))
        .finally(() => {
          this.persistTimer = undefined;
        });
    }, PERSIST_DELAY_MS);
  }

  /** Reads what is marked. Returns the last event the result is known to contain; undefined when nothing was read. */
  private async read(): Promise<number | undefined> {
    const sequence = this.lastEventId;
    const ids = this.changed.list();
    const isFull = this.isAllDirty || ids.length > MAX_SINGLE_READS;
    if (!isFull && ids.length === 0) return undefined;
    this.isAllDirty = false;
    this.changed.clear();
    try {
      const included = isFull ? await this.readAll() : await this.readSome(ids);
      this.problems.clear('reading apps');
      return Math.max(sequence, included);
    } catch (error) {
      // Read again later, in full: something may have been missed. What is known is still applied.
      this.isAllDirty = true;
      this.problems.note('reading apps', error);
      await pause(FAILURE_PAUSE_MS, this.stopped.signal);
      return undefined;
    }
  }

  private async readAll(): Promise<number> {
    const snapshot = await this.options.client.listApps();
    this.lastFullReadMs = performance.now();
    this.mirror.replaceAll(await this.addresses.applyTo(snapshot.apps));
    this.hasSnapshot = true;
    return snapshot.sequence ?? 0;
  }

  private async readSome(ids: readonly string[]): Promise<number> {
    const found = await Promise.all(ids.map((id) => this.options.client.getApp(id)));
    const apps = await this.addresses.applyTo(found.filter((app) => app !== undefined));
    const byId = new Map(apps.map((app) => [app.id, app]));
    for (const id of ids) this.mirror.put(id, byId.get(id));
    return 0;
  }

  private async apply(model: EdgeModel): Promise<void> {
    const outcome = await this.reloader.follow(model);
    if (this.options.edge.hasPendingDeletions) this.applyLater();
    if (outcome === 'reached') this.persistLater();
    // Whatever changed while the new worker came up.
    if (outcome === 'reloaded') {
      this.setTable(this.reloader.build().table);
      this.markApply();
    }
  }

  private async pollDraining(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      const { isDraining } = this.drain;
      await pause(isDraining ? DRAIN_POLL_MS : DRAIN_POLL_MS * 5, this.stopped.signal);
      if (!isDraining) continue;
      if (await this.turns.run(() => this.drain.update())) await this.report();
    }
  }

  private setTable(table: RouteTable): void {
    this.table = table;
    this.routedApps = appsOfTable(table);
    this.changed.hurry((id) => this.routedApps.has(id));
    this.drain.follow(table);
    this.options.names?.followRoutes(table);
  }

  /** Statistics are large: only whole reports have them. */
  private async report({ isWhole } = { isWhole: false }): Promise<void> {
    if (!this.hasSnapshot) return;
    const isUpToDate = !this.isPassing && !this.isAllDirty && this.changed.size === 0;
    // Events that changed no route count as applied too.
    if (isUpToDate) this.appliedSequence = Math.max(this.appliedSequence, this.lastEventId);
    try {
      await this.options.client.report(this.options.routerId, {
        appliedSequence: this.appliedSequence,
        drainedTasks: this.drain.report.drained,
        busyTasks: this.drain.report.busy,
        url: this.options.url(),
        ...(isWhole && { statistics: (this.options.statistics ?? (() => this.status()))() }),
      });
    } catch {
      // Reported again within 2 s; the controller stops waiting for a router it does not hear.
    }
  }
}
