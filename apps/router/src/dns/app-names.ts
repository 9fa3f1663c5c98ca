import { createHash } from 'node:crypto';
import type { WireApp } from '#marathon-v2';
import type { Logger } from '#platform';
import {
  type AppEntry,
  type AppRecords,
  type DnsAuthority,
  type DnsNaming,
  type DnsRecord,
  DnsZone,
  type RoutedApp,
  type RouteTable,
  toAppEntry,
  toAppRecords,
  toInstanceRecords,
  toVipRecords,
  type ZoneChange,
} from '#routing';
import type { MirrorListener } from '../sync/app-mirror.js';
import { isSameRoute, routedApps } from './routed-apps.js';

/** What changed, after the zone has it. */
export interface NamesChange extends ZoneChange {
  readonly source: string;
  readonly serial: number;
}

export interface AppNamesOptions {
  readonly naming: Omit<DnsNaming, 'sha1'>;
  readonly edgeAddresses: readonly string[];
  readonly logger: Pick<Logger, 'warn'>;
  /** The zone's first serial. */
  readonly serial: number;
  readonly onChange: (change: NamesChange) => void;
  /** How long after it was heard of a change was in the zone, ms. */
  readonly onDelay?: (delayMs: number) => void;
}

interface PendingApp {
  readonly app: WireApp | undefined;
  readonly sinceMs: number;
}

/** Questions wait no longer than this for changes. */
const SLICE_MS = 2;
const MAX_SERIAL = 2 ** 32;
/** Sources of routers' addresses, beside the apps' own, whose ids begin with `/`. */
const VIP = 'vip ';

/**
 * Keeps the zone at what the mirror says: a change of one app costs what that app has. A snapshot is compared app by app, in
 * slices between which questions are answered. Names of a former life are served until the first snapshot is in.
 */
export class AppNames implements MirrorListener {
  readonly zone = new DnsZone();
  readonly naming: DnsNaming;
  readonly entries = new Map<string, AppEntry>();
  readonly vips = new Map<string, RoutedApp>();
  /** Per app, what it asked for and did not get. */
  readonly problems = new Map<string, readonly string[]>();
  serial: number;
  /** Another one whenever anything that can be asked for has changed, names or not. */
  generation = 0;
  /** Whether a whole snapshot has been taken in, in this life. */
  isSynced = false;
  private hasSnapshot = false;
  private readonly apps = new Map<string, WireApp>();
  private readonly pending = new Map<string, PendingApp>();
  private health: ReadonlyMap<string, boolean> = new Map();
  private table: RouteTable | undefined;
  private known: DnsAuthority | undefined;
  private timer: NodeJS.Immediate | undefined;

  constructor(private readonly options: AppNamesOptions) {
    this.serial = options.serial;
    this.naming = {
      ...options.naming,
      sha1: (text) => createHash('sha1').update(text).digest(),
    };
  }

  replaceAll(apps: readonly WireApp[], health: ReadonlyMap<string, boolean>): void {
    this.hasSnapshot = true;
    this.health = health;
    const listed = new Set(apps.map(({ id }) => id));
    for (const app of apps) this.enqueue(app.id, app);
    for (const ids of [this.entries, this.apps, this.pending]) {
      for (const id of ids.keys()) if (!listed.has(id)) this.enqueue(id, undefined);
    }
    this.schedule();
  }

  /** Names an app has, each once: its own first, then some with each instance. O(records of the app) in all. */
  *namesOf({ id, instances }: AppEntry): Iterable<readonly string[]> {
    const known = new Set<string>();
    for (const source of [id, ...instances.map(({ taskId }) => sourceOf(id, taskId))]) {
      const names = new Set(this.zone.recordsOf(source).map(({ name }) => name));
      const fresh = [...names].filter((name) => !known.has(name)).sort();
      for (const name of fresh) known.add(name);
      yield fresh;
    }
  }

  /** The records of an instance, as they are in the zone. */
  recordsOf(id: string, taskId: string): readonly DnsRecord[] {
    return this.zone.recordsOf(sourceOf(id, taskId));
  }

  put(id: string, app: WireApp | undefined, health: ReadonlyMap<string, boolean>): void {
    this.health = health;
    this.enqueue(id, app);
    this.schedule();
  }

  /** Takes an app in at once, without a turn. */
  takeNow(app: WireApp): void {
    this.pending.delete(app.id);
    this.take(app.id, app);
  }

  /** Which apps routers lead to. O(routes) for the comparison; only apps whose ports changed are named anew. */
  followRoutes(table: RouteTable): void {
    const before = this.table?.routes;
    this.table = table;
    const isSame = table.routes.every((route, index) => route === before?.[index]);
    if (isSame && table.routes.length === before?.length) return;
    const routed = routedApps(table, this.apps);
    for (const id of this.vips.keys()) if (!routed.has(id)) this.setVip(id, undefined);
    for (const [id, app] of routed) {
      if (!isSameRoute(app, this.vips.get(id))) this.setVip(id, app);
    }
  }

  /** Names that come from no app. */
  putOwn(records: readonly DnsRecord[]): void {
    const claims = [...new Set(records.map(({ name }) => name))];
    this.changed('router', [], [this.zone.put('router', { records, claims })]);
  }

  /** What a former life knew. One that cannot be taken in keeps no other out. Says whether all were taken in. */
  restore(entries: readonly AppEntry[], vips: readonly RoutedApp[]): boolean {
    let isWhole = true;
    const attempt = (id: string, take: () => void): void => {
      try {
        take();
      } catch (error) {
        isWhole = false;
        this.options.logger.warn({ err: error, appId: id }, 'cannot take in names of before');
      }
    };
    for (const entry of entries) attempt(entry.id, () => this.setEntry(entry.id, entry));
    for (const app of vips) attempt(app.id, () => this.setVip(app.id, app));
    return isWhole;
  }

  /** As of now; made anew when the serial has changed. */
  authority(ttls: Pick<DnsAuthority, 'ttlSeconds' | 'negativeTtlSeconds'>): DnsAuthority {
    if (this.known?.serial !== this.serial) {
      const { domain, mesosDomain } = this.naming;
      this.known = { ...ttls, domains: [domain, mesosDomain], serial: this.serial };
    }
    return this.known;
  }

  stop(): void {
    clearImmediate(this.timer);
    this.timer = undefined;
  }

  /** An app that is declared no more has no names, though its tasks may still have requests to answer. */
  private enqueue(id: string, listed: WireApp | undefined): void {
    const app = listed?.leaving === true ? undefined : listed;
    if (app === undefined) this.apps.delete(id);
    else this.apps.set(id, app);
    const sinceMs = this.pending.get(id)?.sinceMs ?? performance.now();
    this.pending.set(id, { app, sinceMs });
  }

  private schedule(): void {
    this.timer ??= setImmediate(() => this.takeSlice());
  }

  private takeSlice(): void {
    this.timer = undefined;
    const endMs = performance.now() + SLICE_MS;
    for (const [id, { app, sinceMs }] of this.pending) {
      this.pending.delete(id);
      this.take(id, app);
      const nowMs = performance.now();
      this.options.onDelay?.(nowMs - sinceMs);
      if (nowMs > endMs) break;
    }
    if (this.pending.size > 0) this.schedule();
    else if (this.hasSnapshot) this.isSynced = true;
  }

  private take(id: string, app: WireApp | undefined): void {
    if (app === undefined) {
      this.setEntry(id, undefined);
      return;
    }
    const { logger } = this.options;
    const before = this.entries.get(id);
    try {
      this.setEntry(id, toAppEntry(app, { lastKnownHealth: this.health, before }));
    } catch (error) {
      // Not what Marathon lists. The others go on, and so does what this one had.
      this.generation += 1;
      this.problems.set(id, [`app ${id} cannot be read: ${String(error)}`]);
      logger.warn({ err: error, appId: id }, 'cannot name the tasks of an app');
    }
  }

  /** Each instance is a source of the zone: what did not change is not even looked at. */
  private setEntry(id: string, entry: AppEntry | undefined): void {
    const before = this.entries.get(id);
    if (entry === undefined) this.entries.delete(id);
    else this.entries.set(id, entry);
    const named = new Map(before?.instances.map((one) => [one.taskId, one]));
    const made = entry === undefined ? NOTHING : toAppRecords(entry, this.naming);
    const changes = [this.zone.put(id, made)];
    const problems = [...made.problems];
    for (const instance of entry?.instances ?? []) {
      const source = sourceOf(id, instance.taskId);
      const isSame = named.get(instance.taskId) === instance && before?.weight === entry?.weight;
      named.delete(instance.taskId);
      // One without records has a problem, which is told anew.
      if (entry === undefined || (isSame && this.zone.hasSource(source))) continue;
      const own = toInstanceRecords(entry, instance, this.naming);
      problems.push(...own.problems);
      changes.push(this.zone.put(source, own));
    }
    for (const taskId of named.keys()) changes.push(this.zone.remove(sourceOf(id, taskId)));
    this.changed(id, problems, changes);
  }

  private setVip(id: string, app: RoutedApp | undefined): void {
    if (app === undefined) this.vips.delete(id);
    else this.vips.set(id, app);
    const { edgeAddresses } = this.options;
    const made = app === undefined ? NOTHING : toVipRecords(app, edgeAddresses, this.naming);
    this.changed(`${VIP}${id}`, made.problems, [this.zone.put(`${VIP}${id}`, made)]);
  }

  private changed(
    source: string,
    problems: readonly string[],
    changes: readonly ZoneChange[],
  ): void {
    this.generation += 1;
    if (problems.length === 0) this.problems.delete(source);
    else this.problems.set(source, problems);
    const added = changes.flatMap((change) => change.added);
    const removed = changes.flatMap((change) => change.removed);
    if (added.length + removed.length === 0) return;
    this.serial = (this.serial + 1) % MAX_SERIAL;
    this.options.onChange({ source, serial: this.serial, added, removed });
  }
}

const NOTHING: AppRecords = { records: [], claims: [], problems: [] };

/** Ids of apps have no blank. */
const sourceOf = (id: string, taskId: string): string => `${id} ${taskId}`;
