import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually } from './http.js';
import { MarathonClient } from './marathon-client.js';

/** The checkout, whether this file runs from the sources or, for the bench, from dist. */
const ROOT = resolve(import.meta.dirname, '../../..').replace(/\/dist$/, '');
const CLI = join(ROOT, 'dist/apps/cli/src/main.js');
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 60_000;
/** Ports of one cluster with three agents, before the offset. */
const OWN_PORTS = [8080, 5050, 5051, 5052, 5053, 8000, 8053, 9090];
/** Where the ports of one cluster begin: its own are moved by `offset`, services and tasks have a range each. */
export interface PortLayout {
  readonly offset: number;
  readonly services: number;
  readonly tasks: number;
}
const SERVICE_PORTS = 1_000;
const TASK_PORTS = 1_300;
/**
 * Away from a cluster a developer may be running, from each other, and below the range from which outgoing connections
 * take theirs (32768 and up). Two files run at a time, and the processes of one that is over may still be ending.
 */
const LAYOUTS: readonly PortLayout[] = [
  { offset: 20_000, services: 12_000, tasks: 30_000 },
  { offset: 14_000, services: 15_000, tasks: 23_500 },
  { offset: 20_200, services: 11_000, tasks: 26_000 },
  { offset: 14_200, services: 16_000, tasks: 17_500 },
];
/** Whoever listens here has the layout: free ports alone may be about to be used by another process. */
const CLAIM_PORT = 5049;
/** Of this process, until it ends. */
export const PORTS: PortLayout = await claimPorts();
const PORT_OFFSET = PORTS.offset;

async function claimPorts(): Promise<PortLayout> {
  for (const layout of layouts()) {
    if (!(await claim(CLAIM_PORT + layout.offset))) continue;
    const free = await Promise.all(OWN_PORTS.map((port) => isFree(port + layout.offset)));
    if (free.every(Boolean)) return layout;
  }
  throw new Error('no free ports for a cluster: is another suite running? PACER_E2E_PORT_OFFSET');
}

function layouts(): readonly PortLayout[] {
  const given = process.env['PACER_E2E_PORT_OFFSET'];
  if (given === undefined) return LAYOUTS;
  return [0, 1].map((second) => ({
    offset: Number(given) + second * 100,
    services: Number(given) - 8_000 + second * SERVICE_PORTS,
    tasks: Number(given) + 10_000 + second * (TASK_PORTS + 1),
  }));
}

function claim(port: number): Promise<boolean> {
  return new Promise((resolveClaim) => {
    const server = createServer();
    server.once('error', () => resolveClaim(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.unref();
      resolveClaim(true);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolvePort) => {
    const server = createServer();
    server.once('error', () => resolvePort(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () =>
      server.close(() => resolvePort(true)),
    );
  });
}

export interface ClusterOptions {
  readonly agents?: number;
  readonly keepTasks?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** A data folder of an earlier cluster. */
  readonly dataDirectory?: string;
  /** As a person does it: `npm start` at a terminal of its own, stopped by the keyboard. */
  readonly terminal?: boolean;
  /** A program and its arguments that `pacer up` is started by, such as `setpriv`. */
  readonly through?: readonly string[];
}

/** Runs its arguments at a pseudo-terminal and types there what it reads. */
const TYPIST =
  'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])) & 255)';
const CONTROL_C = '\x03';

/** Of a record or a claim. */
interface Owner {
  readonly pid: number;
}

/** A whole cluster under `pacer up`, on ports and data of its own. */
export class Cluster {
  readonly api = new MarathonClient(`http://127.0.0.1:${8080 + PORT_OFFSET}`);
  readonly masterUrl = `http://127.0.0.1:${5050 + PORT_OFFSET}`;
  /** Of the first agent. */
  readonly agentUrl = `http://127.0.0.1:${5051 + PORT_OFFSET}`;
  readonly routerUrl = `http://127.0.0.1:${9090 + PORT_OFFSET}`;
  readonly edgeUrl = `http://127.0.0.1:${8000 + PORT_OFFSET}`;
  readonly dnsPort = 8053 + PORT_OFFSET;
  readonly dataDirectory: string;
  /** Everything `pacer up` printed so far. */
  output = '';
  private supervisor: ChildProcess | undefined;

  constructor(private readonly options: ClusterOptions = {}) {
    if (!existsSync(CLI)) throw new Error(`${CLI} is missing: run npm run build`);
    this.dataDirectory = options.dataDirectory ?? mkdtempSync(join(tmpdir(), 'pacer-e2e-'));
    // The database runs as a user of its own.
    chmodSync(this.dataDirectory, 0o755);
  }

  /** Runs `pacer up` and waits for its table of URLs. */
  async start(options: { readonly keepTasks?: boolean } = {}): Promise<void> {
    const keepTasks = options.keepTasks ?? this.options.keepTasks ?? false;
    const supervisor = spawn('env', this.command(keepTasks), {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PACER_SKIP_PACKAGES: '1',
        PACER_SERVICE_PORT_MIN: String(PORTS.services),
        PACER_SERVICE_PORT_MAX: String(PORTS.services + SERVICE_PORTS),
        PACER_AGENT_PORTS: `${PORTS.tasks}-${PORTS.tasks + TASK_PORTS}`,
        ...this.options.environment,
      },
    });
    this.supervisor = supervisor;
    this.output = '';
    const collect = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    supervisor.stdout.on('data', collect);
    supervisor.stderr.on('data', collect);
    await eventually(
      'pacer up prints its table',
      async () => {
        return this.output.includes('curl') || supervisor.exitCode !== null;
      },
      START_LIMIT_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.output}`);
    });
    if (supervisor.exitCode !== null) throw new Error(`pacer up ended:\n${this.output}`);
  }

  /** Ctrl-C, and waits until everything is gone. Says with which code `pacer up` ended. */
  async stop(): Promise<number | null> {
    this.pressControlC();
    return this.waitForEnd('Ctrl-C');
  }

  /** `pacer down`; what it printed. */
  down(): string {
    const args = [CLI, 'down', '--data', this.dataDirectory, '--port-offset', String(PORT_OFFSET)];
    return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout;
  }

  pressControlC(): void {
    if (this.options.terminal === true) this.supervisor?.stdin?.write(CONTROL_C);
    else this.supervisor?.kill('SIGINT');
  }

  /** Waits until `pacer up` has ended, `cause` being why it should. Says with which code. */
  async waitForEnd(cause: string): Promise<number | null> {
    const supervisor = this.supervisor;
    if (supervisor === undefined) return null;
    await eventually(
      `pacer up ends after ${cause}`,
      async () => supervisor.exitCode !== null || supervisor.signalCode !== null,
      STOP_LIMIT_MS,
    );
    return supervisor.exitCode;
  }

  /** What is left of it goes too; then the data. */
  async destroy(): Promise<void> {
    if (this.supervisor?.exitCode === null && this.supervisor.signalCode === null) {
      await this.stop().catch(() => undefined);
    }
    const left = [...findProcesses(this.dataDirectory), ...taskProcesses(this)];
    for (const pid of [...Object.values(this.pids()), ...left]) killQuietly(pid);
    rmSync(this.dataDirectory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** SIGKILL to `pacer up` itself; its children go on. */
  async killSupervisor(): Promise<void> {
    this.supervisor?.kill('SIGKILL');
    await this.waitForEnd('SIGKILL');
  }

  /** Pids by name: `controller`, `master`, `agent-1`, `router`, `database`, `supervisor`. Dead ones may be listed. */
  pids(): Readonly<Record<string, number>> {
    const directory = join(this.dataDirectory, 'run');
    const files = existsSync(directory) ? readdirSync(directory) : [];
    const records = files
      .filter((file) => file.endsWith('.json'))
      .map((file): [string, number] => {
        const record = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Owner;
        return [file.slice(0, -'.json'.length), record.pid];
      });
    const claims = join(directory, 'supervisor');
    const highest = Math.max(0, ...(existsSync(claims) ? readdirSync(claims).map(Number) : []));
    if (highest > 0) {
      const claim = JSON.parse(readFileSync(join(claims, String(highest)), 'utf8')) as Owner;
      if (claim.pid > 0) records.push(['supervisor', claim.pid]);
    }
    const postmaster = join(this.dataDirectory, 'postgres/data/postmaster.pid');
    if (existsSync(postmaster)) {
      records.push(['database', Number(readFileSync(postmaster, 'utf8').split('\n')[0])]);
    }
    return Object.fromEntries(records);
  }

  pid(name: string): number {
    const pid = this.pids()[name];
    if (pid === undefined) throw new Error(`no process ${name} in ${JSON.stringify(this.pids())}`);
    return pid;
  }

  haproxyPid(): number {
    const path = join(this.dataDirectory, 'router/haproxy/haproxy.json');
    const record = JSON.parse(readFileSync(path, 'utf8')) as { pid: number };
    return record.pid;
  }

  private command(keepTasks: boolean): readonly string[] {
    const flags = this.flags(keepTasks);
    return this.options.terminal === true
      ? ['python3', '-c', TYPIST, 'npm', 'start', '--', ...flags]
      : [...(this.options.through ?? []), process.execPath, CLI, 'up', ...flags];
  }

  private flags(keepTasks: boolean): readonly string[] {
    return [
      '--data',
      this.dataDirectory,
      '--port-offset',
      String(PORT_OFFSET),
      '--agents',
      String(this.options.agents ?? 1),
      ...(keepTasks ? ['--keep-tasks'] : []),
    ];
  }
}

export function killQuietly(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

/**
 * Pids of the processes the tasks of a cluster consist of, by the sandbox in their environment; the supervisors of the
 * tasks are left out. `port` narrows it to the task that was given it.
 */
export function taskProcesses(
  cluster: Pick<Cluster, 'dataDirectory'>,
  port?: number,
): readonly number[] {
  return processIds().filter((pid) => {
    const environment = readProc(pid, 'environ').split('\0');
    const isTask = environment.some((entry) =>
      entry.startsWith(`MESOS_SANDBOX=${cluster.dataDirectory}`),
    );
    return isTask && (port === undefined || environment.includes(`PORT=${port}`));
  });
}

/** Whether the process runs; a zombie does not. */
export const isAlive = (pid: number): boolean => /^State:\s+[^ZX]/m.test(readProc(pid, 'status'));

/** Pids whose command line contains `mark`. */
export const findProcesses = (mark: string): readonly number[] =>
  processIds().filter((pid) => readProc(pid, 'cmdline').replaceAll('\0', ' ').includes(mark));

export const childrenOf = (parent: number): readonly number[] =>
  processIds().filter((pid) => readProc(pid, 'status').includes(`\nPPid:\t${parent}\n`));

const processIds = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number);

/** Empty for zombies and for processes that ended meanwhile. */
function readProc(pid: number, file: 'cmdline' | 'environ' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
