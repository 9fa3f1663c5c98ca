import { isIP } from 'node:net';
import { join } from 'node:path';
import { ApiError, type Logger, SseHub } from '#platform';
import { addressRecords, type DnsAuthority, type DnsRecord, nameServerOf } from '#routing';
import { AppNames, type NamesChange } from './app-names.js';
import type { DnsConfig } from './dns-config.js';
import { DnsMetrics } from './dns-metrics.js';
import { DnsResponder } from './dns-responder.js';
import { DnsServer } from './dns-server.js';
import { Forwarder } from './forwarder.js';
import { reachableAddresses } from './reachable-addresses.js';
import { type SavedZone, ZoneFile } from './zone-file.js';
import { ZoneListings } from './zone-listings.js';

export interface DnsServiceOptions {
  readonly config: DnsConfig;
  readonly dataDirectory: string;
  readonly edgeHosts: readonly string[];
  readonly logger: Logger;
  /** Whether the controller's event stream is open now. */
  readonly isConnected: () => boolean;
}

/** How long "there is none" may be remembered. */
const NEGATIVE_TTL_SECONDS = 5;
const TICK_MS = 1_000;
/** A change is on disk this long after, and one write comes this long after another, ms. */
const SAVE_EVERY_MS = 3_000;
/** While nothing changes it is written down this often that the controller stands behind the names, ms. */
const CONFIRM_EVERY_MS = 10_000;
/** Serials that may be used before the next write: at 1,000 changes/s, enough for 100 s. */
const SERIAL_RESERVE = 100_000;
const MAX_SERIAL = 2 ** 32;
/** Readers of the stream of changes. */
const MAX_WATCHERS = 100;

/** DNS of this router, for the life of the process: the zone, who answers from it, and the file that outlives it. */
export class DnsService {
  readonly names: AppNames;
  readonly listings: ZoneListings;
  readonly server: DnsServer;
  readonly forwarder: Forwarder;
  private readonly hub = new SseHub();
  private readonly file: ZoneFile;
  private readonly metrics = new DnsMetrics();
  private readonly ttls: Pick<DnsAuthority, 'ttlSeconds' | 'negativeTtlSeconds'>;
  private tick: NodeJS.Timeout | undefined;
  private saving: Promise<void> = Promise.resolve();
  private savedAtMs = -Infinity;
  private isDirty = true;
  private isRestored = false;
  private isStopped = false;
  /** Names of before of which some could not be taken in: until the controller has told all, they stay on disk. */
  private unread: SavedZone | undefined;
  private confirmSavedAtMs = -Infinity;
  /** When the controller last stood behind the names, Unix ms. */
  private confirmedAtMs: number | undefined;

  constructor(private readonly options: DnsServiceOptions) {
    const { config, dataDirectory, edgeHosts, logger } = options;
    const { domain, mesosDomain, framework, weight, ttlSeconds } = config;
    this.ttls = { ttlSeconds, negativeTtlSeconds: NEGATIVE_TTL_SECONDS };
    this.names = new AppNames({
      naming: { domain, mesosDomain, framework, weight },
      edgeAddresses: this.edgeAddresses(edgeHosts),
      logger,
      serial: Math.floor(Date.now() / 1_000) % MAX_SERIAL,
      onChange: (change) => this.onChange(change),
      onDelay: (delayMs) => this.metrics.observeDelay(delayMs),
    });
    this.listings = new ZoneListings(this.names);
    this.file = new ZoneFile(join(dataDirectory, 'dns-names.json'), logger);
    this.forwarder = new Forwarder(config.resolvers);
    const responder = new DnsResponder({
      zone: this.names.zone,
      authority: () => this.authority(),
      isReady: () => this.isReady,
      maxRecords: config.maxRecords,
      mayForward: (client) => this.mayForward(client),
    });
    this.server = new DnsServer({
      host: config.host,
      port: config.port,
      maxConnections: config.maxConnections,
      responder,
      forwarder: this.forwarder,
      logger,
      onAnswer: (transport, code) => this.metrics.countAnswer(transport, code),
    });
    this.metrics.register(this);
  }

  get config(): DnsConfig {
    return this.options.config;
  }

  /** Whether names that are not there are said not to exist. */
  get isReady(): boolean {
    return this.names.isSynced || this.isRestored;
  }

  /** Whether the controller stands behind the names now. */
  get isFresh(): boolean {
    return this.names.isSynced && this.options.isConnected();
  }

  /** Seconds since the controller last did; undefined: it never has. */
  get ageSeconds(): number | undefined {
    if (this.isFresh) return 0;
    return this.confirmedAtMs === undefined
      ? undefined
      : Math.max(0, (Date.now() - this.confirmedAtMs) / 1_000);
  }

  /** Both, one after the other. */
  async start(): Promise<void> {
    await this.restore();
    await this.listen();
  }

  /** Takes in the names of before; anything newer must come after. Never rejects. */
  async restore(): Promise<void> {
    if (!this.config.isEnabled) return;
    const loaded = await this.file.load();
    if (loaded !== undefined) {
      const { saved, sound, confirmedAtMs } = loaded;
      this.names.serial = Math.max(this.names.serial, saved.serialLimit) % MAX_SERIAL;
      const areSound =
        sound.entries.length + sound.vips.length === saved.entries.length + saved.vips.length;
      const isWhole = this.names.restore(sound.entries, sound.vips) && areSound;
      if (!isWhole) this.unread = saved;
      this.confirmedAtMs = confirmedAtMs;
      this.isRestored = confirmedAtMs !== undefined;
    }
    this.names.putOwn(this.ownRecords());
  }

  /** Answers from now on. Never rejects: a port that is in use is tried again. */
  async listen(): Promise<void> {
    if (!this.config.isEnabled) return;
    // Before an answer: no later life may use a serial of this one again.
    await this.save();
    await this.server.start();
    if (this.isStopped) return;
    this.tick = setInterval(() => this.onTick(), TICK_MS);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    if (!this.config.isEnabled) return;
    clearInterval(this.tick);
    this.server.stop();
    this.names.stop();
    this.listings.stop();
    this.hub.close();
    this.onTick();
    await this.saving;
    await this.save({ isLast: true });
  }

  authority(): DnsAuthority {
    return this.names.authority(this.ttls);
  }

  /** Adds a reader of changes, or throws ApiError when there are too many. */
  watch(reply: Parameters<SseHub['add']>[0]): void {
    if (this.hub.size >= MAX_WATCHERS) {
      throw new ApiError(503, `${MAX_WATCHERS} clients watch already`);
    }
    const client = this.hub.add(reply);
    client.send({ type: 'state', data: JSON.stringify(this.status()) });
  }

  status(): Readonly<Record<string, unknown>> {
    const { config, names, server } = this;
    if (!config.isEnabled) return { enabled: false };
    const host = config.host.includes(':') ? `[${config.host}]` : config.host;
    return {
      enabled: true,
      listening: server.port === undefined ? null : `${host}:${server.port}`,
      ...(server.problem === undefined
        ? {}
        : { problem: `${host}:${config.port}: ${server.problem}; tried again every 5 s` }),
      ready: this.isReady,
      stale: this.isReady && !this.isFresh,
      ageSeconds: this.ageSeconds ?? null,
      serial: names.serial,
      apps: names.entries.size,
      records: names.zone.size,
      failStaticApps: this.failStaticApps,
      conflicts: names.zone.conflicts.length,
      appsWithProblems: names.problems.size,
    };
  }

  get failStaticApps(): number {
    let count = 0;
    for (const { isFailStatic } of this.names.entries.values()) if (isFailStatic) count += 1;
    return count;
  }

  private edgeAddresses(edgeHosts: readonly string[]): readonly string[] {
    const { edgeAddresses } = this.options.config;
    return edgeAddresses.length > 0 ? edgeAddresses : edgeHosts.flatMap(reachableAddresses);
  }

  /** Of the domains, this server, and the routers' edges. */
  private ownRecords(): readonly DnsRecord[] {
    const { domains } = this.authority();
    const server = nameServerOf({ domains });
    return [
      ...domains.map((name): DnsRecord => ({ name, type: 'NS', data: server })),
      ...addressRecords(server, reachableAddresses(this.config.host)),
      ...addressRecords(`edge.${this.config.domain}`, this.edgeAddresses(this.options.edgeHosts)),
    ];
  }

  private mayForward(client: string): boolean {
    if (!this.forwarder.isOn) return false;
    // A socket of both families shows IPv4 clients so; those of one link have its name behind them.
    const [address = ''] = (client.startsWith('::ffff:') ? client.slice(7) : client).split('%');
    const family = isIP(address);
    if (family === 0) return false;
    return this.config.forwardClients.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }

  private onChange(change: NamesChange): void {
    this.isDirty = true;
    if (this.hub.size === 0) return;
    const { source: app, serial, added, removed } = change;
    this.hub.publish({ type: 'change', data: JSON.stringify({ serial, app, added, removed }) });
  }

  private onTick(): void {
    if (this.isFresh) this.confirmedAtMs = Date.now();
    const nowMs = performance.now();
    if (this.isDirty && nowMs - this.savedAtMs >= SAVE_EVERY_MS) {
      this.savedAtMs = nowMs;
      this.saving = this.saving.then(() => this.save());
    } else if (!this.isDirty && this.isFresh && nowMs - this.confirmSavedAtMs >= CONFIRM_EVERY_MS) {
      this.confirmSavedAtMs = nowMs;
      this.saving = this.saving.then(() => this.confirm());
    }
  }

  /** What is on disk is confirmed, as long as it is what is answered. */
  private async confirm(): Promise<void> {
    const { confirmedAtMs } = this;
    if (!this.isDirty && confirmedAtMs !== undefined) await this.file.confirm(confirmedAtMs);
  }

  /** What is saved before anything was heard of, or restored, would say that there is nothing. */
  private async save({ isLast = false } = {}): Promise<void> {
    this.isDirty = false;
    const { names, confirmedAtMs } = this;
    if (names.isSynced) this.unread = undefined;
    const reserve = isLast ? 1 : SERIAL_RESERVE;
    const isSaved = await this.file.save({
      entries: [...names.entries.values()],
      vips: [...names.vips.values()],
      ...this.unread,
      serialLimit: (names.serial + reserve) % MAX_SERIAL,
      ...(confirmedAtMs === undefined ? {} : { confirmedAtMs }),
    });
    if (!isSaved) this.isDirty = true;
  }
}
