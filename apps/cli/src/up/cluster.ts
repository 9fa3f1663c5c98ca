import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '#platform';
import { findEmbeddedDatabase, startEmbeddedDatabase } from '#store';
import { type DaemonPlan, planCluster } from './cluster-plan.js';
import { findDnsProblem, requireOwnDnsPort } from './dns-problem.js';
import { findEdgeProblem, listProgramFolders } from './edge-problem.js';
import { endHaproxy, isHaproxyRunning } from './haproxy-record.js';
import { LogFiles } from './log-files.js';
import { getStatus, hasAgents, lastProblem, waitUntil } from './readiness.js';
import { requireReachablePorts } from './refused-ports.js';
import { RunDirectory } from './run-record.js';
import { stopDaemons } from './shutdown.js';
import { type DaemonHost, endProcess, SupervisedDaemon } from './supervised-daemon.js';
import { SupervisedDatabase } from './supervised-database.js';
import { detectCapacity, type UpOptions } from './up-options.js';

const READY_LIMIT_MS = 90_000;
const ROTATE_EVERY_MS = 10_000;

/** `dist`, three folders above `dist/apps/cli/src/up`. */
const DIST = fileURLToPath(new URL('../../../../', import.meta.url));

export interface ReadyCluster {
  readonly plans: readonly DaemonPlan[];
  /** Why apps cannot be reached through HAProxy. */
  readonly edgeProblem: string | undefined;
  /** Why names are not answered (yet). */
  readonly dnsProblem: string | undefined;
}

/** A one-machine cluster: the database, four kinds of daemons, their logs and records. */
export class Cluster {
  readonly run: RunDirectory;
  readonly logs: LogFiles;
  private readonly host: DaemonHost;
  private database: SupervisedDatabase | undefined;
  private daemons: readonly SupervisedDaemon[] = [];
  private rotation: NodeJS.Timeout | undefined;
  private agents: number;

  constructor(
    private readonly options: UpOptions,
    private readonly report: (line: string) => void,
  ) {
    this.agents = options.agents;
    mkdirSync(options.dataDirectory, { recursive: true, mode: 0o755 });
    this.run = new RunDirectory(options.dataDirectory);
    this.logs = new LogFiles(options.dataDirectory);
    this.host = {
      run: this.run,
      logs: this.logs,
      programOf: (plan) => join(DIST, 'apps', plan.program, 'bundle', 'main.js'),
      buildId: readBuildId(),
      report,
    };
  }

  /** Starts or adopts everything and resolves when all of it answers. Rejects saying what does not. */
  async start(signal: AbortSignal): Promise<ReadyCluster> {
    this.agents = this.decideAgents();
    // Before the database, which takes its time: it has no part in the ports.
    requireReachablePorts(this.planWith(''));
    if (this.options.dnsHost !== undefined) requireOwnDnsPort(this.options.ports, this.agents);
    const url = this.options.databaseUrl || (await this.startDatabase());
    const plans = this.planWith(url);
    this.requirePrograms(plans);
    await this.endUnplanned(plans);
    await this.requireFreePorts(plans);
    const edgeProblem = await this.findEdgeProblem();
    const dnsProblem = await this.findDnsProblem();
    this.daemons = plans.map((plan) => new SupervisedDaemon(plan, this.host));
    this.rotation = setInterval(() => this.rotateLogs(), ROTATE_EVERY_MS);
    const began = performance.now();
    const took = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
    await Promise.all(
      this.daemons.map(async (daemon) => {
        const how = await daemon.start();
        await this.waitForPing(daemon, signal);
        this.report(`${daemon.name} ${how === 'adopted' ? 'adopted' : 'ready'} (${took()})`);
      }),
    );
    await this.waitForService(plans, signal);
    this.run.agents.write(this.agents);
    this.report(`cluster ready (${took()})`);
    return { plans, edgeProblem, dnsProblem };
  }

  /**
   * Finds the daemons a supervisor that was killed left behind, and the agents whose tasks may go on without them. Starts
   * nothing. Says how many there are.
   */
  adoptAll(): number {
    const survivors = new Set(this.run.findSurvivors().map(({ name }) => name));
    const withTasks = this.run.agents.read() ?? 0;
    const agents = [...survivors].flatMap((name) => agentNumberOf(name) ?? []);
    this.agents = Math.max(this.options.agents, withTasks, ...agents);
    this.daemons = this.planWith('')
      .filter(({ name }) => survivors.has(name) || (agentNumberOf(name) ?? Infinity) <= withTasks)
      .map((plan) => new SupervisedDaemon(plan, this.host));
    for (const daemon of this.daemons) daemon.adopt();
    return this.daemons.length;
  }

  /** Stops everything in order, and the embedded database last. */
  async stop(options: { readonly keepTasks: boolean }): Promise<void> {
    clearInterval(this.rotation);
    // A start that came to nothing before it looked for survivors: they are not left without a database.
    if (this.daemons.length === 0) this.adoptAll();
    const { mayHaveTasks } = await stopDaemons(this.daemons, {
      ...options,
      endEdge: () => endHaproxy(this.routerDirectory),
      report: this.report,
    });
    if (!mayHaveTasks) this.run.agents.forget();
    if (this.database !== undefined) await this.database.stop();
    else if (this.options.databaseUrl === '') await this.findDatabase()?.stop();
  }

  private findDatabase() {
    return findEmbeddedDatabase({ dataDir: databaseDirectory(this.options.dataDirectory) });
  }

  private async startDatabase(): Promise<string> {
    const began = performance.now();
    this.database = new SupervisedDatabase({
      open: () =>
        startEmbeddedDatabase({
          dataDir: databaseDirectory(this.options.dataDirectory),
          logFile: this.logs.pathOf('postgres'),
          onProgress: this.report,
        }),
      report: this.report,
      onMoved: (url) => void this.moveDatabase(url),
    });
    const { adopted, url } = await this.database.start();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    this.report(`database ${adopted ? 'adopted' : 'ready'} (${seconds} s)`);
    return url;
  }

  /** As many as asked for, unless tasks may still run that were divided between another number. */
  private decideAgents(): number {
    const { agents } = this.options;
    const before = this.run.agents.read() ?? agents;
    if (before !== agents) {
      this.report(
        `running ${before} agents, not ${agents}: tasks of the last run may still be theirs. Stop without --keep-tasks to change the number`,
      );
    }
    return before;
  }

  private planWith(databaseUrl: string): readonly DaemonPlan[] {
    const { agents } = this;
    const { dataDirectory, host, scheme, ports, taskPorts } = this.options;
    const capacity = detectCapacity(dataDirectory, taskPorts);
    const uiDirectory = join(DIST, 'apps', 'ui');
    const place = { host, scheme, dataDirectory, databaseUrl, uiDirectory };
    return planCluster({ ...place, agents, ports, capacity });
  }

  /** The database came back on another port: those who use it are started again with the new address. */
  private async moveDatabase(url: string): Promise<void> {
    const plans = this.planWith(url).filter(({ environment }) => 'DATABASE_URL' in environment);
    for (const plan of plans) {
      await this.daemons.find(({ name }) => name === plan.name)?.reconfigure(plan);
    }
  }

  private requirePrograms(plans: readonly DaemonPlan[]): void {
    const missing = plans
      .map((plan) => this.host.programOf(plan))
      .find((path) => !existsSync(path));
    if (missing !== undefined) throw new ConfigError(`${missing} is missing: run npm run build`);
  }

  /** Agents of an earlier run with more of them that never got ready. */
  private async endUnplanned(plans: readonly DaemonPlan[]): Promise<void> {
    const planned = new Set(plans.map(({ name }) => name));
    const extra = this.run
      .findSurvivors()
      .filter(({ name }) => agentNumberOf(name) !== undefined && !planned.has(name));
    await Promise.all(
      extra.map(async (record) => {
        this.report(`${record.name} is no longer asked for, stopping it`);
        await endProcess(record);
        this.run.remove(record.name);
      }),
    );
  }

  private async requireFreePorts(plans: readonly DaemonPlan[]): Promise<void> {
    for (const plan of plans) {
      if (this.run.findRunning(plan.name) !== undefined) continue;
      if (await isFree(plan.port, this.options.host)) continue;
      throw new ConfigError(
        `port ${plan.port} (${plan.name}) is used by another program: stop it, or use --port-offset`,
      );
    }
  }

  /** Not worth failing for: the router tries again and again. */
  private async findEdgeProblem(): Promise<string | undefined> {
    const { edgeHost, ports } = this.options;
    return findEdgeProblem({
      folders: listProgramFolders(process.env['PATH'] ?? ''),
      port: ports.edgeHttp,
      isPortOurs:
        isHaproxyRunning(this.routerDirectory) || (await isFree(ports.edgeHttp, edgeHost)),
    });
  }

  private async findDnsProblem(): Promise<string | undefined> {
    const { dnsHost, ports } = this.options;
    const isOurs = this.run.findRunning('router') !== undefined;
    return dnsHost === undefined || isOurs ? undefined : findDnsProblem(dnsHost, ports.dns);
  }

  private get routerDirectory(): string {
    return join(this.options.dataDirectory, 'router');
  }

  private waitForPing(daemon: SupervisedDaemon, signal: AbortSignal): Promise<void> {
    return waitUntil(async () => (await getStatus(`${daemon.url}/ping`)) === 200, {
      limitMs: READY_LIMIT_MS,
      signal,
      describe: () =>
        `${daemon.name} does not answer on ${daemon.url}${lastProblem()}. Its log, ${this.logs.pathOf(daemon.name)}, ends with:\n` +
        this.logs.tail(daemon.name, 5).join('\n'),
    });
  }

  private async waitForService(plans: readonly DaemonPlan[], signal: AbortSignal): Promise<void> {
    const of = (program: DaemonPlan['program']) =>
      plans.find((plan) => plan.program === program)?.url ?? '';
    await waitUntil(async () => (await getStatus(`${of('controller')}/v2/info`)) === 200, {
      limitMs: READY_LIMIT_MS,
      signal,
      describe: () => `the controller does not lead: see ${this.logs.pathOf('controller')}`,
    });
    await waitUntil(() => hasAgents(of('master'), this.agents), {
      limitMs: READY_LIMIT_MS,
      signal,
      describe: () => `not every agent registered with the master: see ${this.logs.directory}`,
    });
  }

  private rotateLogs(): void {
    for (const name of ['postgres', ...this.daemons.map((daemon) => daemon.name)]) {
      this.logs.rotate(name);
    }
  }
}

/** `agent-2` is the second; undefined: no agent. */
function agentNumberOf(name: string): number | undefined {
  const digits = /^agent-(\d+)$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const databaseDirectory = (dataDirectory: string): string => join(dataDirectory, 'postgres');

/** Written by each build. Without it nothing tells builds apart, which is fine for a fixed installation. */
function readBuildId(): string {
  const stamp = join(dirname(DIST), 'dist', '.stamp');
  return existsSync(stamp) ? readFileSync(stamp, 'utf8').trim() : '';
}

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
