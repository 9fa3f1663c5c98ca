import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type EmbeddedDatabase, startEmbeddedDatabase } from '#store';
import { isAlive } from './cluster.js';
import { eventually, request } from './http.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const STOP_LIMIT_MS = 20_000;
const RESTART_MS = 200;

/**
 * One daemon of a test: started from its bundle, in a session of its own, with a log. It is started again when it ends, as by
 * any supervisor: a leader that a busy machine keeps from renewing its lease ends too.
 */
export class Daemon {
  private child: ChildProcess | undefined;
  private isWanted = false;
  private readonly logFile: string;

  constructor(
    private readonly program: 'master' | 'agent' | 'controller' | 'router',
    readonly url: string,
    private readonly environment: Readonly<Record<string, string>>,
    directory: string,
  ) {
    this.logFile = join(directory, `${program}-${new URL(url).port}.log`);
  }

  /** Another one after each start; 0 before the first. */
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }

  /** Waits until it listens. */
  async start(): Promise<void> {
    this.isWanted = true;
    this.spawn();
    await eventually(`${this.program} listens at ${this.url}`, async () => {
      return (await request(`${this.url}/ping`)).status === 200;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.log}`);
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (isAlive(this.pid)) process.kill(this.pid, signal);
  }

  /** Waits until this life of it has ended. */
  async end(pid: number, limitMs?: number): Promise<void> {
    await eventually(`${this.program} at ${this.url} ends`, async () => !isAlive(pid), limitMs);
  }

  async stop(): Promise<void> {
    this.isWanted = false;
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    await this.end(this.pid, STOP_LIMIT_MS).catch(() => this.signal('SIGKILL'));
  }

  private spawn(): void {
    const bundle = join(ROOT, `dist/apps/${this.program}/bundle/main.js`);
    if (!existsSync(bundle)) throw new Error(`${bundle} is missing: run npm run build`);
    const log = openSync(this.logFile, 'a');
    const { hostname, port } = new URL(this.url);
    this.child = spawn(process.execPath, [bundle], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, PACER_HOST: hostname, PACER_PORT: port, ...this.environment },
    });
    closeSync(log);
    this.child.once('exit', () => setTimeout(() => this.isWanted && this.spawn(), RESTART_MS));
  }
}

/** A way to the database that can be cut: then nothing is answered any more, as when a cable is pulled. */
export class CuttableRoute {
  private readonly sockets = new Set<Socket>();
  private isCut = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async open(targetPort: number): Promise<CuttableRoute> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const route = new CuttableRoute(server, port);
    server.on('connection', (client) => route.join(client, targetPort));
    return route;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  /** Connections from before break; new ones go through. */
  mend(): void {
    this.isCut = false;
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.mend();
    this.server.close();
  }

  private join(client: Socket, targetPort: number): void {
    this.keep(client);
    if (this.isCut) return;
    const database = connect(targetPort, '127.0.0.1');
    this.keep(database);
    client.pipe(database).pipe(client);
    client.once('close', () => database.destroy());
    database.once('close', () => client.destroy());
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
  }
}

/** Several masters on one database, each with a way to it of its own, and agents that know all of them. */
export class MasterGroup {
  readonly directory = mkdtempSync(join(tmpdir(), 'pacer-e2e-masters-'));
  readonly masters: Daemon[] = [];
  readonly agents: Daemon[] = [];
  readonly routes: CuttableRoute[] = [];
  private database: EmbeddedDatabase | undefined;

  constructor(
    private readonly options: {
      readonly masters: number;
      /** Of the first; the others follow. */
      readonly masterPort: number;
      readonly agentPort: number;
      readonly taskPorts: string;
    },
  ) {}

  get masterUrls(): readonly string[] {
    return this.masters.map(({ url }) => url);
  }

  async start(): Promise<void> {
    // The server runs as a user of its own.
    chmodSync(this.directory, 0o755);
    this.database = await startEmbeddedDatabase({ dataDir: join(this.directory, 'postgres') });
    for (let index = 0; index < this.options.masters; index += 1) {
      const route = await CuttableRoute.open(this.database.port);
      const databaseUrl = new URL(this.database.url);
      databaseUrl.port = String(route.port);
      this.routes.push(route);
      this.masters.push(
        new Daemon(
          'master',
          `http://127.0.0.1:${this.options.masterPort + index}`,
          { DATABASE_URL: databaseUrl.href },
          this.directory,
        ),
      );
    }
    await Promise.all(this.masters.map((master) => master.start()));
    const agent = new Daemon(
      'agent',
      `http://127.0.0.1:${this.options.agentPort}`,
      {
        PACER_MASTER_URLS: this.masterUrls.join(','),
        PACER_DATA: join(this.directory, 'agent'),
        PACER_AGENT_PORTS: this.options.taskPorts,
        PACER_AGENT_CPUS: '4',
        PACER_AGENT_MEM_MIB: '1024',
        PACER_AGENT_LAUNCHERS: 'process',
      },
      this.directory,
    );
    this.agents.push(agent);
    await agent.start();
  }

  /** The one that leads, by its own word; not the process `exceptPid`. Waits for one. */
  leader(exceptPid?: number): Promise<Daemon> {
    return eventually('a master leads', async () => {
      for (const master of this.masters) {
        if (master.pid === exceptPid) continue;
        const reply = await request(`${master.url}/slaves`, { timeoutMs: 2_000 }).catch(
          () => undefined,
        );
        if (reply?.status === 200) return master;
      }
      return undefined;
    });
  }

  async destroy(): Promise<void> {
    for (const daemon of [...this.agents, ...this.masters]) await daemon.stop();
    for (const route of this.routes) route.close();
    await this.database?.stop();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
