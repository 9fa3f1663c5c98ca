import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { AgentState, AgentTask } from '#cluster';
import { createUsageReader } from '#containerizer';
import {
  assert,
  ExecError,
  type ExecListener,
  type ExecRequest,
  type ExecSession,
  type Launcher,
  type RunKey,
  type SessionHost,
} from '#core';
import { type AgentInfo, encodeResources } from '#mesos-v1';
import {
  describeConnectionError,
  type Logger,
  ownAgentToken,
  ownAuthorization,
  processTls,
  schemeOf,
  systemClock,
  tlsConnection,
} from '#platform';
import { createProber } from '#probes';
import {
  type AgentConfig,
  advertisedAddress,
  advertisedHostname,
  apiAddress,
} from './agent-config.js';
import { type AgentEngine, createAgentEngine, type LauncherStatus } from './engine/agent-engine.js';
import type { ExecutorApi } from './engine/executor-api.js';
import { UriFetcher } from './fetch/uri-fetcher.js';
import { readBootId } from './host/boot-id.js';
import { detectGpus } from './host/detect-gpus.js';
import { detectResources } from './host/detect-resources.js';
import { readProcessAge } from './host/process-age.js';
import { takeWorkDirectory } from './host/work-directory.js';
import { FileTaskJournal } from './journal/file-task-journal.js';
import { createLaunchers } from './launchers.js';
import { HttpMasterLink } from './link/http-master-link.js';
import { collectSandboxes } from './sandbox/collect-sandboxes.js';
import { DirectorySandboxStore } from './sandbox/directory-sandbox-store.js';
import { DirectoryVolumeStore } from './sandbox/directory-volume-store.js';
import { watchDisk } from './sandbox/disk-watch.js';
import { limitedFolders } from './sandbox/limited-folders.js';
import { AgentMetrics } from './status/agent-metrics.js';
import { createSandboxSizes } from './status/sandbox-sizes.js';
import { registerTaskMetrics } from './status/task-metrics.js';
import { TaskStatistics } from './status/task-statistics.js';
import { AGENT_CONFIG, AGENT_LOGGER } from './tokens.js';

export const AGENT_VERSION = '1.11.0';
/** What does not answer holds a connection for its whole timeout: enough that a host full of it delays nobody. */
const PROBES_AT_ONCE = 1_000;
const HOUR_MS = 3_600_000;

/** The agent of this process: the engine over the real host. */
@Injectable()
export class AgentService implements OnModuleDestroy {
  readonly sandboxes: DirectorySandboxStore;
  readonly volumes: DirectoryVolumeStore;
  readonly statistics = new TaskStatistics({
    tasks: () => this.state?.tasks.values() ?? [],
    executors: () => this.state?.executors.values() ?? [],
    sandboxOf: (run) => this.sandboxes.directories(run, this.executorOf(run)).sandbox,
    measure: createUsageReader(),
    sizes: createSandboxSizes(),
    now: () => systemClock.now(),
  });
  private engine: AgentEngine | undefined;
  /** It may have to wait for the disk before it knows anything. */
  private starting: AgentEngine | undefined;
  private unusable: string | undefined;
  private readonly endListeners = new Set<(run: RunKey) => void>();
  private readonly hosts: (Launcher & SessionHost)[] = [];
  private executorApi: ExecutorApi | undefined;
  private gpus: readonly string[] = [];
  private description: Omit<AgentInfo, 'id'> | undefined;
  private readonly housekeeping: { close(): void }[] = [];
  private draining: Promise<void> | undefined;

  constructor(
    @Inject(AGENT_CONFIG) private readonly config: AgentConfig,
    @Inject(AGENT_LOGGER) private readonly logger: Logger,
    private readonly metrics: AgentMetrics,
  ) {
    this.sandboxes = new DirectorySandboxStore(config.data);
    this.volumes = new DirectoryVolumeStore(config.data, (level, message) =>
      this.logger[level](message),
    );
  }

  /** Starts the engine; `port` is where this agent's own API listens. */
  async start(port: number): Promise<void> {
    await takeWorkDirectory(this.config.data, (problem) => this.noteUnusable(problem));
    this.unusable = undefined;
    this.metrics.watchDisk(() => this.disk);
    this.description = await this.describe(port);
    const log = (level: 'info' | 'warn', message: string) => this.logger[level](message);
    const launchers = createLaunchers(this.config, log);
    this.hosts.push(...launchers);
    const engine = createAgentEngine(
      {
        launchers,
        prober: createProber({ atOnce: PROBES_AT_ONCE }),
        journal: new FileTaskJournal(join(this.config.data, 'journal'), log),
        link: new HttpMasterLink({
          masters: this.config.masters,
          clock: systemClock,
          random: Math.random,
          headers: ownHeaders(log),
          tls: tlsConnection,
          explain: describeConnectionError,
          log,
        }),
        fetcher: new UriFetcher({
          cacheFolder: join(this.config.data, 'fetch-cache'),
          cacheBytes: this.config.fetchCacheMib * 2 ** 20,
        }),
        sandboxes: this.sandboxes,
        volumes: this.volumes,
        clock: systemClock,
        randomBytes: (count) => [...randomBytes(count)],
        log,
        fail: (error) => {
          this.logger.fatal({ err: error }, 'the agent cannot go on');
          process.exit(1);
        },
        processAge: readProcessAge,
        observer: this.metrics,
      },
      {
        agent: this.description,
        version: AGENT_VERSION,
        reconfiguration: this.config.reconfiguration,
        bootId: await readBootId(),
        hostAddress: advertisedAddress(this.config),
        searchPath:
          process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        options: {
          gpus: this.gpus,
          executors: {
            registrationMs: this.config.executorRegistrationSeconds * 1_000,
            reregistrationMs: this.config.executorReregistrationSeconds * 1_000,
            shutdownGraceMs: this.config.executorShutdownGraceSeconds * 1_000,
          },
        },
      },
    );
    this.starting = engine;
    // Executors come back while their processes are being found again.
    this.executorApi = engine.executors;
    await engine.start();
    this.engine = engine;
    // After the engine's own listener, so that who asks for the state finds the task ended.
    for (const host of this.hosts) {
      host.onExit(({ run }) => {
        for (const listener of this.endListeners) listener(run);
      });
    }
    this.metrics.watch(() => engine.state);
    registerTaskMetrics(() => this.statistics.read());
    for (const { kind, isAvailable, notes } of engine.launchers) {
      this.logger.info({ kind, isAvailable, notes }, `launcher ${kind}`);
    }
    this.keepHouse(engine, log);
  }

  /** What the agent knows; undefined until it has found its tasks again. */
  get state(): AgentState | undefined {
    return this.engine?.state;
  }

  /** What the disk says while the work directory cannot be written. */
  get disk(): string | undefined {
    return this.unusable ?? this.starting?.disk;
  }

  /** What executors call; undefined until the agent is being started. */
  get executors(): ExecutorApi | undefined {
    return this.executorApi;
  }

  get info(): Omit<AgentInfo, 'id'> | undefined {
    return this.description;
  }

  get launchers(): readonly LauncherStatus[] {
    return this.engine?.launchers ?? [];
  }

  /** Called once for each run that ends. Returns the unsubscriber. */
  onRunEnd(listener: (run: RunKey) => void): () => void {
    this.endListeners.add(listener);
    return () => this.endListeners.delete(listener);
  }

  /** Runs a command in a task that runs, or beside it in its custom executor. Throws {@link ExecError}. */
  async openSession(
    task: AgentTask,
    request: ExecRequest,
    listener: ExecListener,
  ): Promise<ExecSession> {
    const host = this.hosts.find(({ kind }) => kind === task.launcher);
    const run = task.executorRun ?? task.run;
    if (host !== undefined) return await host.openSession(run, request, listener);
    throw new ExecError('NOT_SUPPORTED', `no launcher for ${task.launcher} tasks is configured`);
  }

  /** Ends every task, at most 15 s. */
  async drain(): Promise<void> {
    this.draining ??= this.engine?.drain() ?? Promise.resolve();
    await this.draining;
  }

  async onModuleDestroy(): Promise<void> {
    for (const one of this.housekeeping) one.close();
    await this.engine?.stop();
  }

  /** Whose group the run is a member of. */
  private executorOf(run: RunKey): RunKey | undefined {
    return this.state?.tasks.get(run)?.group?.executor;
  }

  private noteUnusable(problem: string): void {
    if (this.unusable === undefined) {
      this.logger.warn({ problem }, 'the work directory cannot be written; waiting until it can');
    }
    this.unusable = `cannot write ${this.config.data}: ${problem}`;
  }

  private keepHouse(engine: AgentEngine, log: (level: 'info' | 'warn', message: string) => void) {
    const { config, sandboxes, volumes } = this;
    const collection = collectSandboxes({
      ...{ store: sandboxes, log, headroom: config.gcHeadroom, maxKept: config.maxSandboxes },
      isLive: (run) =>
        engine.state.tasks.has(run) ||
        engine.state.executors.has(run) ||
        engine.state.groups.members.has(run),
      delayMs: config.gcDelayHours * HOUR_MS,
    });
    this.housekeeping.push(collection);
    if (!config.enforceDisk) return;
    const watch = watchDisk({
      tasks: () => limitedFolders(engine.state, { sandboxes, volumes }),
      exceeded: ({ run, volume }, usedBytes) => engine.exceedDisk(run, usedBytes, volume),
      intervalMs: config.diskWatchSeconds * 1_000,
    });
    this.housekeeping.push(watch);
  }

  private async describe(port: number): Promise<Omit<AgentInfo, 'id'>> {
    const { config } = this;
    this.gpus = await detectGpus(config.gpus);
    assert(port > 0, `port ${port} is not that of a listening server`);
    const amount = await detectResources(
      {
        cpus: config.cpus || undefined,
        memMib: config.memMib || undefined,
        diskMib: config.diskMib || undefined,
        ports: config.ports,
        gpus: this.gpus.length,
        named: config.resources,
        defaultRole: config.defaultRole,
      },
      config.data,
    );
    const hostname = advertisedHostname(config);
    return {
      hostname,
      port,
      url: {
        scheme: schemeOf(processTls()?.settings),
        address: { hostname, ip: apiAddress(config), port },
      },
      resources: encodeResources(amount, { isRefined: false }),
      attributes: config.attributes,
    };
  }
}

/** The token where there is one, else by HTTP Basic. */
function ownHeaders(
  log: (level: 'info' | 'warn', message: string) => void,
): () => Readonly<Record<string, string>> {
  const token = ownAgentToken(log);
  if (token !== undefined) return token;
  return ownAuthorization('agent', log);
}
