import { type Logger, SerialQueue } from '#platform';
import { buildRoutes, type EdgeModel, type RouteTable, toEdgeModel } from '#routing';
import type { ControllerClient, ControllerEvent } from '../controller/controller-client.js';
import { EdgeRefusedError, type HaproxyEdge } from '../haproxy/haproxy-edge.js';
import { isPortFree } from '../haproxy/validate-config.js';
import { affectedApps, isTaskEvent } from './affected-apps.js';
import { AppMirror } from './app-mirror.js';
import { ChangedApps } from './changed-apps.js';
import { type DrainReport, DrainWatch } from './drain-watch.js';
import { followController } from './follow-controller.js';
import { HostAddresses } from './host-addresses.js';
import { pause } from './pause.js';
import { nextReloadAt } from './reload-schedule.js';

/** What the loop asks of HAProxy. */
export type Edge = Pick<
  HaproxyEdge,
  | 'applyRuntime'
  | 'driftRepairs'
  | 'hasPendingDeletions'
  | 'listenPorts'
  | 'needsReload'
  | 'persist'
  | 'pid'
  | 'refresh'
  | 'reload'
  | 'reloads'
  | 'restart'
  | 'runtimeChanges'
  | 'serverState'
  | 'sessions'
  | 'start'
  | 'stop'
>;

export interface RouterLoopOptions {
  readonly routerId: string;
  readonly groups: readonly string[];
  readonly bindAddress: string;
  readonly reservedPorts: ReadonlySet<number>;
  readonly client: Pick<ControllerClient, 'follow' | 'getApp' | 'listApps' | 'report'>;
  readonly edge: Edge;
  readonly logger: Logger;
  readonly url: () => string;
}

const RESYNC_INTERVAL_MS = 30_000;
const REPORT_INTERVAL_MS = 2_000;
const DRAIN_POLL_MS = 40;
const FAILURE_PAUSE_MS = 100;
/** Above this many changed apps one full read is cheaper. */
const MAX_SINGLE_READS = 16;
/** A pass is followed by a rest this many times as long, so that bursts are coalesced. */
const REST_FACTOR = 4;
const MIN_REST_MS = 5;
const MAX_REST_MS = 250;
/** A refused structure is tried again after this time. */
const REFUSED_RETRY_MS = 10_000;
const DELETION_RETRY_MS = 500;
const PERSIST_DELAY_MS = 200;

/**
 * Keeps HAProxy at what the controller says: events mark apps as changed, a pass reads them, plans and applies. A full
 * snapshot is read on connect, on a gap, every 30 s and after any failure. While the controller is away the edge serves
 * what it last knew.
 */
export class RouterLoop {
  private readonly mirror = new AppMirror();
  private readonly changed = new ChangedApps(() => this.wake());
  private routedApps: ReadonlySet<string> = new Set();
  private isAllDirty = true;
  private isApplyDirty = false;
  private hasSnapshot = false;
  private wake: () => void = () => undefined;
  private stopped = new AbortController();
  private lastEventId = 0;
  private appliedSequence = 0;
  private readonly drain = new DrainWatch();
  /** Sessions are counted between two changes of the edge: no server leaves rotation after they were counted. */
  private readonly turns = new SerialQueue({ name: 'edge', limit: 8 });
  private drainReport: DrainReport = { drained: [], busy: [] };
  private lastReloadMs: number | undefined;
  private reloadTimer: NodeJS.Timeout | undefined;
  private isReloadDue = false;
  private isPassing = false;
  private applyTimer: NodeJS.Timeout | undefined;
  private persistTimer: NodeJS.Timeout | undefined;
  private persisting: Promise<void> = Promise.resolve();
  private refusedUntilMs = 0;
  private occupiedPorts: ReadonlySet<number> = new Set();
  private isHaproxyGone = false;
  private readonly addresses = new HostAddresses();
  private readonly timers: NodeJS.Timeout[] = [];
  private running: Promise<unknown> = Promise.resolve();
  table: RouteTable = { routes: [], conflicts: [] };
  isConnected = false;
  lastProblem: string | undefined;

  constructor(private readonly options: RouterLoopOptions) {}

  async start(): Promise<void> {
    await this.options.edge.start(toEdgeModel({ routes: [], conflicts: [] }));
    this.running = Promise.all([this.followEvents(), this.runPasses(), this.pollDraining()]);
    this.timers.push(setInterval(() => this.markAll(), RESYNC_INTERVAL_MS));
    this.timers.push(setInterval(() => void this.report(), REPORT_INTERVAL_MS));
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    this.changed.stop();
    for (const timer of this.timers) clearInterval(timer);
    for (const timer of [this.reloadTimer, this.applyTimer, this.persistTimer]) clearTimeout(timer);
    this.wake();
    await this.running;
    await this.persisting;
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
      ...(this.lastProblem === undefined ? {} : { lastProblem: this.lastProblem }),
    };
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
    const affected = event.type === 'resync' ? { kind: 'all' as const } : affectedApps(event);
    if (affected.kind === 'all') this.markAll();
    else {
      for (const id of affected.ids) {
        const isRouted = this.routedApps.has(id) || !this.mirror.has(id);
        this.changed.add(id, { isUrgent: isRouted || !isTaskEvent(event) });
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
        this.markAll();
      },
      onEvent: (event) => this.onEvent(event),
      onEnd: (error) => {
        if (error !== undefined && this.isConnected && !this.stopped.signal.aborted) {
          logger.warn({ err: error }, 'event stream broke');
        }
        this.isConnected = false;
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
        this.lastProblem = undefined;
      } catch (error) {
        this.lastProblem = String(error);
        this.options.logger.warn({ err: error }, 'could not bring the edge up to date');
        this.isApplyDirty = true;
        await this.pause(FAILURE_PAUSE_MS);
      }
      const restMs = (performance.now() - startedMs) * REST_FACTOR;
      await this.pause(Math.min(Math.max(MIN_REST_MS, restMs), MAX_REST_MS));
    }
  }

  private async pass(): Promise<void> {
    if (this.isHaproxyGone) {
      await this.options.edge.restart(toEdgeModel(this.table));
      this.isHaproxyGone = false;
    }
    const sequence = await this.read();
    this.isApplyDirty = false;
    if (!this.hasSnapshot) return;
    await this.addresses.resolve(this.mirror.list());
    await this.turns.run(async () => {
      this.setTable(this.buildTable());
      await this.apply(toEdgeModel(this.table));
      // Before the sequence: a task draining at that sequence which is in no list counts as drained.
      await this.updateDrained();
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

  /** The file on disk follows off the hot path: it takes two fsyncs and only serves a restart. */
  private persistLater(): void {
    this.persistTimer ??= setTimeout(() => {
      this.persisting = this.options.edge
        .persist()
        .catch((error: unknown) =>
          this.options.logger.warn({ err: error }, 'cannot write haproxy.cfg'),
        )
        .finally(() => {
          this.persistTimer = undefined;
        });
    }, PERSIST_DELAY_MS);
  }

  /** Reads what is marked. Returns the last event the result is known to contain; undefined when nothing was read. */
  private async read(): Promise<number | undefined> {
    const { client, edge } = this.options;
    const sequence = this.lastEventId;
    const ids = this.changed.list();
    const isFull = this.isAllDirty || ids.length > MAX_SINGLE_READS;
    if (!isFull && ids.length === 0) return undefined;
    this.isAllDirty = false;
    this.changed.clear();
    try {
      if (isFull) {
        const snapshot = await client.listApps();
        this.mirror.replaceAll(snapshot.apps);
        this.hasSnapshot = true;
        await edge.refresh();
        return Math.max(sequence, snapshot.sequence ?? 0);
      } else {
        const apps = await Promise.all(ids.map((id) => client.getApp(id)));
        for (const [index, id] of ids.entries()) this.mirror.put(id, apps[index]);
      }
      return sequence;
    } catch (error) {
      // Read again later, in full: something may have been missed. What is known is still applied.
      this.isAllDirty = true;
      this.lastProblem = String(error);
      await this.pause(FAILURE_PAUSE_MS);
      return undefined;
    }
  }

  private buildTable(): RouteTable {
    return buildRoutes(
      this.mirror.list().map((app) => this.addresses.applyTo(app)),
      {
        groups: this.options.groups,
        reservedPorts: this.options.reservedPorts,
        occupiedPorts: this.occupiedPorts,
        lastKnownHealth: this.mirror.lastKnownHealth,
      },
    );
  }

  private async apply(model: EdgeModel): Promise<void> {
    const { edge } = this.options;
    await edge.applyRuntime(model);
    if (edge.hasPendingDeletions) this.applyLater();
    if (!(await edge.needsReload(model))) {
      this.persistLater();
      return;
    }
    const nowMs = performance.now();
    if (nowMs < this.refusedUntilMs) return;
    const dueMs = nextReloadAt({ nowMs, lastReloadMs: this.lastReloadMs });
    if (!this.isReloadDue) {
      this.reloadTimer ??= setTimeout(() => {
        this.isReloadDue = true;
        this.markApply();
      }, dueMs - nowMs);
      return;
    }
    this.isReloadDue = false;
    this.reloadTimer = undefined;
    await this.reload();
  }

  private async reload(): Promise<void> {
    const { edge, logger } = this.options;
    await this.probePorts();
    this.setTable(this.buildTable());
    const model = toEdgeModel(this.table);
    this.lastReloadMs = performance.now();
    try {
      await edge.reload(model);
    } catch (error) {
      if (!(error instanceof EdgeRefusedError)) throw error;
      this.refusedUntilMs = performance.now() + REFUSED_RETRY_MS;
      this.lastProblem = error.message;
      logger.error({ err: error }, 'HAProxy refused the configuration; serving the last good one');
    }
    // Whatever changed while the new worker came up.
    this.markApply();
  }

  /** Ports somebody else holds are left out of the configuration and reported as conflicts. */
  private async probePorts(): Promise<void> {
    const held = await this.options.edge.listenPorts();
    const wanted = buildRoutes(this.mirror.list(), {
      groups: this.options.groups,
      reservedPorts: this.options.reservedPorts,
      lastKnownHealth: new Map(),
    }).routes.flatMap(({ listenPort }) => (listenPort === undefined ? [] : [listenPort]));
    const occupied = new Set<number>();
    for (const port of wanted) {
      if (!held.has(port) && !(await isPortFree(this.options.bindAddress, port)))
        occupied.add(port);
    }
    this.occupiedPorts = occupied;
  }

  private async pollDraining(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      const isDraining = this.mirror.drainingTasks().length > 0 || this.drain.hasDeparted;
      await this.pause(isDraining ? DRAIN_POLL_MS : DRAIN_POLL_MS * 5);
      if (!isDraining) continue;
      const before = JSON.stringify(this.drainReport);
      await this.turns.run(() => this.updateDrained());
      if (JSON.stringify(this.drainReport) !== before) await this.report();
    }
  }

  private setTable(table: RouteTable): void {
    this.table = table;
    this.routedApps = new Set([...table.routes, ...table.conflicts].map(({ appId }) => appId));
    this.changed.hurry((id) => this.routedApps.has(id));
    this.drain.follow(table, performance.now());
  }

  private async updateDrained(): Promise<void> {
    const { edge } = this.options;
    const isDraining = this.mirror.drainingTasks().length > 0 || this.drain.hasDeparted;
    const sessions = isDraining ? await edge.sessions().catch(() => undefined) : undefined;
    // The list of now: a pass may have read more while the sessions were counted.
    this.drainReport = this.drain.sort(this.mirror.drainingTasks(), (server) => ({
      state: edge.serverState(server),
      open: sessions === undefined ? undefined : (sessions.get(server) ?? 0),
    }));
  }

  private async report(): Promise<void> {
    if (!this.hasSnapshot) return;
    const isUpToDate = !this.isPassing && !this.isAllDirty && this.changed.size === 0;
    // Events that changed no route count as applied too.
    if (isUpToDate) this.appliedSequence = Math.max(this.appliedSequence, this.lastEventId);
    try {
      await this.options.client.report(this.options.routerId, {
        appliedSequence: this.appliedSequence,
        drainedTasks: this.drainReport.drained,
        busyTasks: this.drainReport.busy,
        url: this.options.url(),
        statistics: this.status(),
      });
    } catch {
      // Reported again within 2 s; the controller stops waiting for a router it does not hear.
    }
  }

  private pause(delayMs: number): Promise<void> {
    return pause(delayMs, this.stopped.signal);
  }
}
