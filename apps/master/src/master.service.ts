import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { MasterConfig, MasterState } from '#cluster';
import type { Clock, Lease, LeaseKeeper, MasterRegistry } from '#core';
import type { AgentMessage, MasterInfo, SchedulerEvent } from '#mesos-v1';
import { ApiError, type Logger } from '#platform';
import { EventLoopPacer } from './engine/event-loop-pacer.js';
import { createMasterEngine, type MasterEngine } from './engine/master-engine.js';
import { HttpStreams, type SlowClient } from './http-streams.js';
import { Leadership } from './leadership/leadership.js';
import { LoggingLevel } from './operator-api/logging-level.js';

/** What the daemon's main function, or a test, gives the master. */
export interface MasterOptions {
  readonly registry: MasterRegistry;
  readonly leaseKeeper: LeaseKeeper;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Dotted integers only: clients parse it. */
  readonly apiVersion: string;
  readonly hostname: string;
  readonly config?: Partial<MasterConfig>;
  /** Bytes that may wait for one client of a stream before it is cut off; default 16 MiB. */
  readonly streamBufferBytes?: number;
  /** Streams of operators that may be open at once; default 1,000. */
  readonly maxSubscribers?: number;
  /** What this process was started with, for reads; no secrets. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Where its log is, if that is a file. */
  readonly logFile?: string;
  /** Ends the process: the lease is lost or an invariant broke. */
  readonly onFatal: (error: Error) => void;
}

const DEFAULT_MAX_SUBSCRIBERS = 1_000;

export const MASTER_OPTIONS = Symbol('MasterOptions');

/** A RECONCILE is answered in one turn: room for the answers to the longest one, 100,000 tasks. */
const FRAMEWORK_BUFFER_BYTES = 64 * 1024 * 1024;

/** Holds the engine while this process leads, and answers for it while it does not. */
@Injectable()
export class MasterService implements OnModuleDestroy {
  readonly frameworkStreams: HttpStreams<SchedulerEvent>;
  readonly agentStreams: HttpStreams<AgentMessage>;
  /** Stream clients that did not keep up, by kind, since this process began. */
  readonly cutOffs = { framework: 0, agent: 0, subscriber: 0 };
  readonly loggingLevel: LoggingLevel;
  private current: MasterEngine | undefined;
  private leadership: Leadership | undefined;
  private info: MasterInfo | undefined;
  private url: string | undefined;

  constructor(@Inject(MASTER_OPTIONS) private readonly options: MasterOptions) {
    const { streamBufferBytes: maxBufferedBytes } = options;
    const bound = maxBufferedBytes === undefined ? {} : { maxBufferedBytes };
    this.loggingLevel = new LoggingLevel(options.logger, options.clock);
    this.frameworkStreams = new HttpStreams({
      maxBufferedBytes: FRAMEWORK_BUFFER_BYTES,
      ...bound,
      idHeader: 'Mesos-Stream-Id',
      onClosed: (id) => this.current?.frameworkStreamClosed(id),
      onCutOff: (slow) => this.cutOff('framework', slow),
    });
    this.agentStreams = new HttpStreams({
      ...bound,
      idHeader: 'Pacer-Stream-Id',
      onClosed: (id) => this.current?.agentStreamClosed(id),
      onCutOff: (slow) => this.cutOff('agent', slow),
    });
  }

  /** Begins to seek leadership. `url` is where other processes reach this one. */
  start(url: string): void {
    const { options } = this;
    this.url = url;
    this.info = toMasterInfo(new URL(url), options);
    this.leadership = new Leadership({
      keeper: options.leaseKeeper,
      clock: options.clock,
      holder: randomUUID(),
      url,
      onElected: (lease) => this.recover(lease),
      onLost: (error) => this.fail(error),
      onIsolated: () => this.letGo(),
      note: (message, fields) => options.logger.info(fields, message),
    });
    this.leadership.start();
  }

  /**
   * Waits for recovery up to `limitMs`, then says where this master stands. A lease that this address had before its
   * process was restarted names no leader: to be sent there is to come back here.
   */
  async settled(
    limitMs: number,
  ): Promise<
    { readonly kind: 'leading' } | { readonly kind: 'standby'; readonly leaderUrl?: string }
  > {
    const state = await this.leadership?.settled(limitMs);
    if (state?.kind === 'leading') return { kind: 'leading' };
    const named = state?.kind === 'standby' ? state.leaderUrl : undefined;
    const leaderUrl = named === this.url ? undefined : named;
    return { kind: 'standby', ...(leaderUrl === undefined ? {} : { leaderUrl }) };
  }

  /** The engine, for reads. Throws 503 when this master does not lead. */
  get engine(): MasterEngine {
    if (this.current === undefined || this.leadership?.state.kind !== 'leading') {
      throw new ApiError(503, 'No leader elected', { headers: { 'retry-after': '1' } });
    }
    return this.current;
  }

  /** Events handled while it leads, but for signs of life. */
  get revision(): number {
    return this.current?.revision ?? 0;
  }

  /** The engine, to accept or acknowledge something. Throws 503 also while the database is away. */
  get writableEngine(): MasterEngine {
    const { engine } = this;
    if (this.leadership?.isWritable !== true) {
      throw new ApiError(503, 'The database is unavailable', { headers: { 'retry-after': '1' } });
    }
    return engine;
  }

  /** Gives the database a moment to come back, as some clients retry a 503 without any back-off. */
  async writable(limitMs: number): Promise<void> {
    await this.leadership?.writable(limitMs);
  }

  get state(): MasterState {
    return this.engine.state;
  }

  /** Where other processes reach this one; undefined until it listens. */
  get ownUrl(): string | undefined {
    return this.url;
  }

  /** Of this process, leading or not. */
  get masterInfo(): MasterInfo | undefined {
    return this.current?.state.masterInfo ?? this.info;
  }

  get isLeading(): boolean {
    return this.leadership?.state.kind === 'leading';
  }

  get apiVersion(): string {
    return this.options.apiVersion;
  }

  /** Bytes that may wait for one stream client; undefined: the default of the streams. */
  get streamBufferBytes(): number | undefined {
    return this.options.streamBufferBytes;
  }

  get maxSubscribers(): number {
    return this.options.maxSubscribers ?? DEFAULT_MAX_SUBSCRIBERS;
  }

  /** Counts and logs a stream client that did not keep up. */
  cutOff(kind: keyof MasterService['cutOffs'], slow: SlowClient): void {
    this.cutOffs[kind] += 1;
    this.options.logger.warn(
      { ...slow, kind },
      `a ${kind} stream was cut off: its client is too slow`,
    );
  }

  get flags(): Readonly<Record<string, string>> {
    return this.options.flags ?? {};
  }

  get logFile(): string | undefined {
    return this.options.logFile;
  }

  /** Of this process' monotonic clock. */
  get monoMs(): number {
    return this.options.clock.now().monoMs;
  }

  newStreamId(): string {
    return randomUUID();
  }

  async onModuleDestroy(): Promise<void> {
    this.current?.stop();
    this.loggingLevel.reset();
    this.frameworkStreams.closeAll();
    this.agentStreams.closeAll();
    await this.leadership?.stop();
  }

  private async recover(lease: Lease): Promise<void> {
    const { options } = this;
    const masterInfo = this.info;
    if (masterInfo === undefined) throw new Error('recover before start');
    this.current = await createMasterEngine(
      {
        registry: options.registry,
        clock: options.clock,
        frameworkStreams: this.frameworkStreams,
        agentStreams: this.agentStreams,
        ids: { next: randomUUID },
        pacer: new EventLoopPacer(),
        isWritable: () => this.leadership?.isWritable === true,
        onFatal: (error) => this.fail(error),
        note: (level, message, fields) => options.logger[level](fields, message),
      },
      {
        lease,
        masterInfo,
        ...(options.config === undefined ? {} : { config: options.config }),
      },
    );
  }

  /** They subscribe again, here or where another leads. No task is touched, and nobody is given up for it. */
  private letGo(): void {
    const [frameworks, agents] = [this.frameworkStreams.size, this.agentStreams.size];
    this.options.logger.warn({ frameworks, agents }, 'without the database for long: letting go');
    this.frameworkStreams.dropAll();
    this.agentStreams.dropAll();
  }

  private fail(error: Error): void {
    this.current?.stop();
    this.options.onFatal(error);
  }
}

function toMasterInfo(url: URL, options: MasterOptions): MasterInfo {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const ip = /^\d+\.\d+\.\d+\.\d+$/.test(url.hostname) ? url.hostname : '127.0.0.1';
  const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number);
  return {
    id: '',
    // Network byte order read as little endian, as Mesos does on x86.
    ip: ((d << 24) | (c << 16) | (b << 8) | a) >>> 0,
    port,
    pid: `master@${ip}:${port}`,
    hostname: options.hostname,
    version: options.apiVersion,
    address: { hostname: options.hostname, ip, port },
    capabilities: [{ type: 'AGENT_UPDATE' }],
  };
}
