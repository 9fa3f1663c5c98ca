import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RouteTable } from '#routing';
import { childrenOf, isAlive, killQuietly, PORTS } from './cluster.js';
import { eventually, type Reply, request } from './http.js';
import { Daemon } from './masters.js';

/** Below those the controller of a cluster in the same file gives. */
const FIRST_PORT = PORTS.services + 1;
const SPARE_PORTS = 300;
/** What a failure shows of a router's log. */
const LOG_CHARS = 1_000;
let taken = 0;

/** A port that is free now, of the range of this process: below those from which outgoing connections take theirs. */
export async function takePort(): Promise<number> {
  while (taken < SPARE_PORTS) {
    taken += 1;
    const port = FIRST_PORT + taken;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port of ${SPARE_PORTS} from ${FIRST_PORT}`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });

/** A router with its HAProxy, that follows given controllers. It is started again when it ends. */
export class EdgeRouter {
  readonly directory = mkdtempSync(join(tmpdir(), 'pacer-edge-'));
  readonly url: string;
  readonly daemon: Daemon;

  private constructor(
    port: number,
    readonly edgePort: number,
    readonly tlsPort: number,
    environment: Readonly<Record<string, string>>,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    const settings = {
      PACER_DATA: this.directory,
      ...{ PACER_DNS: 'false', PACER_RESERVED_PORTS: '1' },
      PACER_EDGE_HTTP_PORT: String(edgePort),
      PACER_EDGE_HTTPS_PORT: String(tlsPort),
      ...environment,
    };
    this.daemon = new Daemon('router', this.url, settings, this.directory);
  }

  static async start(
    controllerUrls: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<EdgeRouter> {
    const [port, edgePort, tlsPort] = [await takePort(), await takePort(), await takePort()];
    const router = new EdgeRouter(port, edgePort, tlsPort, {
      PACER_CONTROLLER_URLS: controllerUrls.join(','),
      ...environment,
    });
    await router.daemon.start();
    await eventually('the router has its HAProxy', async () => router.masterPid > 0);
    return router;
  }

  get edgeUrl(): string {
    return `http://127.0.0.1:${this.edgePort}`;
  }

  /** Asks the edge for a host. */
  get(host: string, path = '/', headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return request(`${this.edgeUrl}${path}`, { headers: { ...headers, host } });
  }

  /** Waits until the edge answers so. */
  answers(host: string, status = 200, path = '/'): Promise<Reply> {
    return eventually(`${host}${path} is answered with ${status}`, async () => {
      const reply = await this.get(host, path);
      if (reply.status !== status)
        throw new Error(`it is ${reply.status}: ${this.daemon.log.slice(-LOG_CHARS)}`);
      return reply;
    });
  }

  async routes(): Promise<RouteTable> {
    return JSON.parse((await request(`${this.url}/v1/routes`)).text) as RouteTable;
  }

  /** Waits until what an app does not get is told, and gives the reasons. */
  conflictsOf(appId: string): Promise<string> {
    return eventually(`a conflict of ${appId}`, async () => {
      const { conflicts } = await this.routes();
      const reasons = conflicts.filter((one) => one.appId === appId).map(({ reason }) => reason);
      return reasons.length > 0 && reasons.join('\n');
    });
  }

  async status(): Promise<string> {
    return (await request(`${this.url}/v1/status`)).text;
  }

  /** A figure of /metrics. */
  async metric(name: string): Promise<number> {
    const { text } = await request(`${this.url}/metrics`);
    const lines = text.split('\n').filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async config(): Promise<string> {
    return (await request(`${this.url}/v1/haproxy.cfg`)).text;
  }

  /** Of HAProxy's master. 0: there is none on record. */
  get masterPid(): number {
    try {
      const text = readFileSync(join(this.directory, 'haproxy/haproxy.json'), 'utf8');
      return (JSON.parse(text) as { readonly pid: number }).pid;
    } catch {
      return 0;
    }
  }

  /** Of the worker that serves, by HAProxy's own word. */
  async workerPid(): Promise<number> {
    return Number(/^Pid: (\d+)$/m.exec(await this.admin('show info'))?.[1]);
  }

  /** The configuration of the last reload that was proved. Throws before the first. */
  lastGoodConfig(): string {
    return readFileSync(join(this.directory, 'haproxy/haproxy.last-good.cfg'), 'utf8');
  }

  /** A command for HAProxy's admin socket, as an operator may type it. */
  async admin(command: string): Promise<string> {
    const text = readFileSync(join(this.directory, 'haproxy/haproxy.cfg'), 'utf8');
    const path = /^\s*stats socket (\S+)/m.exec(text)?.[1] ?? '';
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(path, () => socket.end(`${command}\n`));
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString();
      });
      socket.once('error', reject);
      socket.once('close', () => resolve(answer));
    });
  }

  /** The router and its HAProxy go, and their data. */
  async destroy(): Promise<void> {
    await this.daemon.stop();
    const { masterPid } = this;
    if (masterPid > 0) {
      const workers = childrenOf(masterPid);
      for (const pid of [masterPid, ...workers]) killQuietly(pid);
      await eventually('HAProxy is gone', async () => !isAlive(masterPid));
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
