import { type Logger, SerialQueue } from '#platform';
import { type EdgeModel, type RouteTable, toEdgeModel } from '#routing';
import {
  CertificateFollower,
  type FollowedCertificates,
} from '../certificates/certificate-follower.js';
import type { ControllerClient, ControllerEvent } from '../controller/controller-client.js';
import type { EdgeLook } from '../haproxy/applied-edge.js';
import { affectedApps, isTaskEvent } from './affected-apps.js';
import { AppMirror, type MirrorListener } from './app-mirror.js';
import { AppReader } from './app-reader.js';
import { ChangedApps } from './changed-apps.js';
import { DrainCounter } from './drain-counter.js';
import { DueStatistics } from './due-statistics.js';
import type { Edge } from './edge.port.js';
import { EdgeReloader, type EdgeReloaderOptions } from './edge-reloader.js';
import { followController } from './follow-controller.js';
import { LastKnown, type LastKnownFiles } from './last-known.js';
import { LateWriter } from './late-writer.js';
import { pause } from './pause.js';
import { Problems } from './problems.js';
import { RoutedApps } from './routed-apps.js';
import { type EdgeRules, WantedEdge } from './wanted-edge.js';

export interface RouterLoopOptions extends Pick<EdgeReloaderOptions, 'isPortFree' | 'own'> {
  readonly routerId: string;
  readonly rules: () => EdgeRules;
  readonly client: Pick<ControllerClient, 'follow' | 'getApp' | 'listApps' | 'report'>;
  readonly edge: Edge;
  readonly kept: LastKnownFiles;
  readonly logger: Logger;
  readonly url: () => string;
  /** TLS by host name. */
  readonly certificates?: FollowedCertificates;
  /** JSON, in pieces, of what is told of HAProxy with reports that no change has brought about; absent: the status. */
  readonly statistics?: () => Promise<readonly Buffer[]>;
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
const MAX_REST_MS = 40;
const DELETION_RETRY_MS = 500;

/**
 * Keeps HAProxy at what the controller says: events mark apps as changed, a pass reads them, plans and applies. A full
 * snapshot is read on connect, on a gap, every 30 s and after any failure. While the controller is away the edge serves
 * what it last knew.
 */
export class RouterLoop {
  private readonly mirror: AppMirror;
  private readonly reader: AppReader;
  private readonly changed = new ChangedApps(() => this.wake());
  private readonly routedApps = new RoutedApps();
  private isAllDirty = true;
  private isApplyDirty = false;
  private wake: () => void = () => undefined;
  private stopped = new AbortController();
  private lastEventId = 0;
  private appliedSequence = 0;
  private readonly drain: DrainCounter;
  /** Sessions are counted between two changes of the edge: no server leaves rotation after they were counted. */
  private readonly turns = new SerialQueue({ name: 'edge', limit: 8 });
  private readonly reloader: EdgeReloader;
  private isPassing = false;
  private readonly statistics: DueStatistics;
  private readonly lastKnown: LastKnown;
  private applyTimer: NodeJS.Timeout | undefined;
  private readonly disk = new LateWriter(() => this.persist());
  private isResyncDue = false;
  private look: EdgeLook | undefined;
  private isHaproxyGone = false;
  private readonly timers: NodeJS.Timeout[] = [];
  private starting: Promise<void> = Promise.resolve();
  private running: Promise<unknown> = Promise.resolve();
  table: RouteTable = { routes: [], conflicts: [] };
  isConnected = false;
  /** A real Marathon knows no routers: it is told nothing large. */
  private isHeard = true;
  private readonly problems = new Problems();
  private readonly certificates: CertificateFollower;

  constructor(private readonly options: RouterLoopOptions) {
    this.mirror = new AppMirror(options.names);
    this.reader = new AppReader(options.client, this.mirror, () => this.markAll());
    this.lastKnown = new LastKnown(options.kept, this.mirror, this.reader.addresses);
    this.drain = new DrainCounter(this.mirror, options.edge);
    const { edge, logger, isPortFree, own, rules } = options;
    const ownStatus = async () => [Buffer.from(JSON.stringify(this.status()))];
    this.statistics = new DueStatistics(options.statistics ?? ownStatus);
    this.certificates = new CertificateFollower(options.certificates, this.problems, logger);
    this.reloader = new EdgeReloader({
      ...{ edge, logger, isPortFree, problems: this.problems },
      ...(own === undefined ? {} : { own }),
      wanted: new WantedEdge(this.mirror, rules),
      onOpen: () => this.markApply(),
    });
  }

  async start(): Promise<void> {
    this.starting = this.startOnce();
    await this.starting;
  }

  private async startOnce(): Promise<void> {
    const { signal } = this.stopped;
    if (signal.aborted) return;
    await this.certificates.start();
    await this.options.edge.start(toEdgeModel({ routes: [], conflicts: [] })).catch((error) => {
      if (!signal.aborted) throw error;
    });
    await this.lastKnown.recall();
    if (signal.aborted) return;
    this.running = Promise.all([this.followEvents(), this.runPasses(), this.pollDraining()]);
    this.timers.push(setInterval(() => this.resyncInTime(), RESYNC_INTERVAL_MS));
    this.timers.push(setInterval(() => void this.refresh(), REFRESH_INTERVAL_MS));
    this.timers.push(setInterval(() => void this.report({ isWhole: true }), REPORT_INTERVAL_MS));
  }

  /** HAProxy serves on as it is, for the next router to adopt. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.changed.stop();
    this.reader.addresses.stop();
    for (const timer of this.timers) clearInterval(timer);
    clearTimeout(this.applyTimer);
    this.reloader.stop();
    // What waits for a HAProxy that is not there would wait for ever.
    this.options.edge.release();
    this.wake();
    await this.starting.catch(() => undefined);
    await this.running;
    await this.disk.stop();
    await this.options.edge.leave();
    if (this.reader.hasSnapshot) await this.lastKnown.save();
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

  /** Reloads, whatever differs. */
  forceReload(): void {
    this.options.edge.askForReload();
    this.reloader.force();
    this.resync();
  }

  private resyncInTime(): void {
    this.isResyncDue = true;
    this.reader.addresses.refresh();
    const isNumbered = this.isConnected && this.lastEventId > 0;
    const dueMs = this.reader.lastFullReadMs + (isNumbered ? NUMBERED_RESYNC_MS : 0);
    (performance.now() < dueMs ? this.markApply : this.markAll).call(this);
  }

  /** The look takes its time, in which changes go on; it is compared between two of them. */
  private async refresh(): Promise<void> {
    this.certificates.isDue = true;
    this.look = await this.options.edge.look().catch(() => undefined);
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
        this.isHeard = true;
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
        if (this.stopped.signal.aborted) return;
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
    // One that was missing may be there.
    if (await this.certificates.follow()) this.reloader.retryRefused();
    if (!this.reader.hasSnapshot) return;
    if (this.isResyncDue) await this.reloader.retryPorts();
    this.isResyncDue = false;
    await this.turns.run(async () => {
      if (this.look !== undefined) this.options.edge.compare(this.look);
      this.look = undefined;
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
    if (this.stopped.signal.aborted) return;
    this.applyTimer ??= setTimeout(() => {
      this.applyTimer = undefined;
      this.markApply();
    }, DELETION_RETRY_MS);
  }

  /** The files on disk take fsyncs and only serve a restart. */
  private async persist(): Promise<void> {
    const { edge, logger } = this.options;
    await edge
      .persist()
      .catch((error: unknown) => logger.warn({ err: error }, 'cannot write haproxy.cfg'));
    await this.lastKnown.save();
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
      const included = isFull ? await this.reader.readAll() : await this.reader.readSome(ids);
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

  private async apply(model: EdgeModel): Promise<void> {
    const outcome = await this.reloader.follow(model);
    if (this.options.edge.hasPendingDeletions) this.applyLater();
    if (outcome === 'reached') this.disk.later();
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
    this.routedApps.follow(table);
    this.changed.hurry((id) => this.routedApps.has(id));
    this.drain.follow(table);
    this.options.names?.followRoutes(table);
  }

  /** Statistics are large: only whole reports have them. */
  private async report({ isWhole } = { isWhole: false }): Promise<void> {
    if (!this.reader.hasSnapshot) return;
    const statistics = isWhole && this.isHeard ? await this.statistics.take() : undefined;
    const isUpToDate = !this.isPassing && !this.isAllDirty && this.changed.size === 0;
    // Events that changed no route count as applied too.
    if (isUpToDate) this.appliedSequence = Math.max(this.appliedSequence, this.lastEventId);
    const { client, routerId, url } = this.options;
    const { drained: drainedTasks, busy: busyTasks } = this.drain.report;
    const report = { appliedSequence: this.appliedSequence, drainedTasks, busyTasks, url: url() };
    // Reported again within 2 s; the controller stops waiting for a router it does not hear.
    this.isHeard = await client.report(routerId, report, statistics).catch(() => this.isHeard);
  }
}
