import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Json = Readonly<Record<string, unknown>>;

export interface FakeMarathonOptions {
  /** This one is a standby: it answers with the URL of that one. */
  readonly leader?: string;
  /** `silent`: nothing comes. `broken`: each stream ends in the middle of its first event. */
  readonly stream?: 'lively' | 'silent' | 'broken';
  /** It answers 503, as one that has no leader. */
  readonly isFailing?: boolean;
}

/**
 * A server with Marathon's own API and nothing else: apps with their tasks as they were put, and events without ids. Nothing is
 * interpreted or filled in, so that a test writes what the Marathon it means would.
 */
export class FakeMarathon {
  private readonly apps = new Map<string, Json>();
  private readonly streams = new Set<ServerResponse>();
  private server: Server | undefined;
  private port = 0;
  /** Paths of ours that it was asked for and does not have. */
  readonly unknown = new Set<string>();
  options: FakeMarathonOptions;

  constructor(options: FakeMarathonOptions = {}) {
    this.options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get listeners(): number {
    return this.streams.size;
  }

  /** At the same port as before, if it was stopped. */
  async start(): Promise<this> {
    const server = createServer((request, response) => this.answer(request, response));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** Puts apps by their ids, and tells of each. */
  put(...apps: readonly Json[]): void {
    for (const app of apps) {
      this.apps.set(String(app['id']), app);
      this.emit('api_post_event', { clientIp: '127.0.0.1', uri: '/v2/apps', appDefinition: app });
    }
  }

  app(id: string): Json {
    const app = this.apps.get(id);
    if (app === undefined) throw new Error(`no app ${id}`);
    return app;
  }

  /** Changes fields of an app without a word of its definition, as tasks and their health change. */
  change(id: string, fields: Json, event: { readonly type: string; readonly data?: Json }): void {
    this.apps.set(id, { ...this.app(id), ...fields });
    this.emit(event.type, { appId: id, ...event.data });
  }

  /** Puts other tasks in place of those of an app, and tells of the state of one. */
  setTasks(id: string, tasks: readonly Json[], taskStatus = 'TASK_RUNNING'): void {
    const data = { slaveId: 'S1', taskId: `${id}.x`, taskStatus, message: '', host: '127.0.0.1' };
    this.change(id, { tasks }, { type: 'status_update_event', data });
  }

  remove(id: string): void {
    this.apps.delete(id);
    this.emit('app_terminated_event', { appId: id });
  }

  emit(type: string, data: Json): void {
    if (this.options.stream === 'silent') return;
    const timestamp = '2026-01-01T00:00:00.000Z';
    const text = JSON.stringify({ eventType: type, timestamp, ...data });
    for (const stream of this.streams) {
      if (this.options.stream !== 'broken') {
        stream.write(`event: ${type}\r\ndata: ${text}\r\n\r\n`);
        continue;
      }
      stream.write(`event: ${type}\r\ndata: ${text.slice(0, text.length / 2)}`);
      setTimeout(() => stream.destroy(), 10);
    }
  }

  /** Ends all streams. */
  cut(): void {
    for (const stream of this.streams) stream.destroy();
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { pathname } = new URL(request.url ?? '/', this.url);
    const { leader, isFailing } = this.options;
    if (isFailing === true) response.writeHead(503).end();
    else if (leader !== undefined) {
      response.writeHead(307, { location: `${leader}${request.url}` }).end();
    } else if (pathname === '/v2/events') this.follow(request, response);
    else if (pathname === '/v2/apps') send(response, { apps: [...this.apps.values()] });
    else if (pathname.startsWith('/v2/apps/')) {
      const app = this.apps.get(decodeURIComponent(pathname.slice('/v2/apps'.length)));
      if (app === undefined) send(response, { message: 'App does not exist' }, 404);
      else send(response, { app });
    } else {
      this.unknown.add(`${request.method} ${pathname.replace(/\/router-.*$/, '/')}`);
      send(response, { message: 'Not Found' }, 404);
    }
  }

  private follow(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.accept?.includes('text/event-stream') !== true) {
      response.writeHead(405).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('event: event_stream_attached\r\ndata: {"remoteAddress":"127.0.0.1"}\r\n\r\n');
    this.streams.add(response);
    response.once('close', () => this.streams.delete(response));
  }
}

function send(response: ServerResponse, body: Json, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** A task as Marathon lists it; `health`: undefined while no check has told anything. */
export const taskOf = (
  appId: string,
  port: number,
  more: { readonly isHealthy?: boolean } & Json = {},
): Json => {
  const { isHealthy, ...fields } = more;
  const id = `${appId.slice(1).replaceAll('/', '_')}.${port}`;
  return {
    ...{ id, appId, host: '127.0.0.1', slaveId: 'S1', ports: [port], state: 'TASK_RUNNING' },
    ...{ startedAt: '2026-01-01T00:00:00.000Z', stagedAt: '2026-01-01T00:00:00.000Z' },
    version: '2026-01-01T00:00:00.000Z',
    ...(isHealthy !== undefined && {
      healthCheckResults: [{ alive: isHealthy, consecutiveFailures: 0, instanceId: id }],
    }),
    ...fields,
  };
};

/** An app that runs on these ports; `HAPROXY_0_VHOST` is its id when no label says otherwise. */
export const appOf = (
  id: string,
  ports: readonly number[],
  labels: Readonly<Record<string, string>> = {},
  more: Json = {},
): Json => ({
  id,
  instances: ports.length,
  labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: `${id.slice(1)}.localhost`, ...labels },
  portDefinitions: [{ port: 0, protocol: 'tcp', labels: {} }],
  tasks: ports.map((port) => taskOf(id, port)),
  ...more,
});
