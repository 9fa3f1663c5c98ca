import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RUN_LABEL, SCOPE_LABEL } from '../../libs/containerizer/src/docker-container-config.js';

/** A container as far as the engine's answers tell of it. */
export interface FakeContainer {
  readonly id: string;
  /** Beside that of its agent. */
  readonly labels: Readonly<Record<string, string>>;
  isRunning: boolean;
  exitCode: number;
}

/** What a call gets instead of its answer; `hang`: none at all. */
export type Fault = { readonly status: number; readonly message: string } | 'hang';

/**
 * The few calls of a Docker engine that find, watch, end and remove containers, on a socket of its own. Real engines
 * cannot be told to fail in a given moment.
 */
export class FakeDockerEngine {
  readonly containers = new Map<string, FakeContainer>();
  /** `METHOD /path` of each call, without the version and the query. */
  readonly calls: string[] = [];
  /** Asked before each call is answered. */
  fault: (call: string) => Fault | undefined = () => undefined;
  /** What a container's log stream sends before it stays open or, once the container has ended, ends. */
  log: Buffer = Buffer.alloc(0);
  private readonly listeners = new Set<ServerResponse>();
  private readonly followers = new Map<string, ServerResponse[]>();

  private constructor(
    readonly scope: string,
    private readonly folder: string,
    private readonly server = createServer((request, response) => this.answer(request, response)),
  ) {}

  static async start(scope: string): Promise<FakeDockerEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'pacer-engine-'));
    const engine = new FakeDockerEngine(scope, folder);
    await new Promise<void>((resolve) => engine.server.listen(engine.socketPath, resolve));
    return engine;
  }

  get socketPath(): string {
    return join(this.folder, 'engine.sock');
  }

  /** Whether somebody listens to its events. */
  get isHeard(): boolean {
    return this.listeners.size > 0;
  }

  /** A container of this name runs; unless told otherwise it is labelled as the run of this key. */
  run(name: string, labels: FakeContainer['labels'] = { [RUN_LABEL]: name }): FakeContainer {
    const container = { id: `id-${name}`, labels, isRunning: true, exitCode: 0 };
    this.containers.set(container.id, container);
    return container;
  }

  /** Ends a container; `quietly` without an event. */
  end(container: FakeContainer, exitCode: number, how: { readonly quietly?: boolean } = {}): void {
    container.isRunning = false;
    container.exitCode = exitCode;
    for (const follower of this.followers.get(container.id) ?? []) follower.end();
    if (how.quietly !== true) this.tellDeath(container, exitCode);
  }

  tellDeath({ id, labels }: FakeContainer, exitCode: number): void {
    const Attributes = { ...labels, exitCode: String(exitCode) };
    const line = `${JSON.stringify({ Action: 'die', Actor: { ID: id, Attributes } })}\n`;
    for (const listener of this.listeners) listener.write(line);
  }

  /** Breaks the streams of a container's log. */
  cutLog(id: string): void {
    for (const follower of this.followers.get(id) ?? []) follower.destroy();
    this.followers.delete(id);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? '', 'http://engine').pathname.replace(/^\/v[\d.]+/, '');
    const call = `${request.method} ${path}`;
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'hang') return;
    if (fault !== undefined) send(response, fault.status, { message: fault.message });
    else this.carryOut(call, response);
  }

  private carryOut(call: string, response: ServerResponse): void {
    if (call === 'GET /events') {
      response.writeHead(200).flushHeaders();
      this.listeners.add(response);
      response.on('close', () => this.listeners.delete(response));
      return;
    }
    if (call === 'GET /containers/json') {
      send(response, 200, [...this.containers.values()].map(summarize(this.scope)));
      return;
    }
    const [, method = '', id = '', action = ''] =
      /^(\w+) \/containers\/([^/]+)(?:\/(\w+))?$/.exec(call) ?? [];
    const container = this.containers.get(id);
    if (container === undefined) send(response, 404, { message: `No such container: ${id}` });
    else if (action === 'json') send(response, 200, inspect(container));
    else if (action === 'kill') this.kill(container, response);
    else if (action === 'logs') this.sendLog(container, response);
    else if (method === 'DELETE') {
      this.containers.delete(id);
      send(response, 204);
    } else send(response, 501, { message: `not part of this fake: ${call}` });
  }

  private kill(container: FakeContainer, response: ServerResponse): void {
    if (!container.isRunning) {
      send(response, 409, { message: `container ${container.id} is not running` });
      return;
    }
    send(response, 204);
    this.end(container, 137);
  }

  private sendLog(container: FakeContainer, response: ServerResponse): void {
    response.writeHead(200).flushHeaders();
    response.write(this.log);
    if (!container.isRunning) response.end();
    else this.followers.set(container.id, [...(this.followers.get(container.id) ?? []), response]);
  }
}

const summarize = (scope: string) => (container: FakeContainer) => ({
  Id: container.id,
  State: container.isRunning ? 'running' : 'exited',
  Labels: { [SCOPE_LABEL]: scope, ...container.labels },
});

const inspect = ({ id, isRunning, exitCode }: FakeContainer) => ({
  Id: id,
  State: {
    Status: isRunning ? 'running' : 'exited',
    Running: isRunning,
    ExitCode: exitCode,
    OOMKilled: false,
    Pid: isRunning ? 4711 : 0,
  },
  NetworkSettings: { Networks: {} },
  Config: {},
});

function send(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
