import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WireApp, WireRouterReport, WireTask } from '#marathon-v2';
import { eventually } from '../e2e/support/http.js';

/** What an event says besides the app: `status_update_event` and the like. */
interface News {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A controller for one router: it lists apps, says by events which changed, and hears what is drained. Nothing runs. */
export class EdgeController {
  private readonly apps = new Map<string, WireApp>();
  /** As written once, as the real one does. */
  private readonly texts = new Map<string, string>();
  private readonly streams = new Set<ServerResponse>();
  private sequence = 1;
  private heard: WireRouterReport | undefined;
  private waiting: (() => void)[] = [];
  private readonly server = createServer((request, response) => this.answer(request, response));

  async start(apps: readonly WireApp[]): Promise<void> {
    for (const app of apps) this.keep(app);
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What the router said last. */
  get report(): WireRouterReport | undefined {
    return this.heard;
  }

  app(id: string): WireApp {
    const app = this.apps.get(id);
    if (app === undefined) throw new Error(`no app ${id}`);
    return app;
  }

  /** Changes the tasks of an app and tells. Gives the moment in which the event was sent. */
  setTasks(id: string, tasks: readonly WireTask[]): number {
    this.keep({ ...this.app(id), tasks, instances: tasks.length });
    return this.tell({ type: 'status_update_event', data: { appId: id } });
  }

  /** A new app, or another definition of one. */
  put(app: WireApp): number {
    this.keep(app);
    return this.tell({ type: 'api_post_event', data: { appDefinition: { id: app.id } } });
  }

  unlist(id: string): number {
    this.apps.delete(id);
    this.texts.delete(id);
    return this.tell({ type: 'app_terminated_event', data: { appId: id } });
  }

  /** Marks a task as draining and waits until the router says that it has no request any more, as the real one does. */
  async drain(id: string, taskId: string, limitMs: number): Promise<void> {
    const draining = { since: new Date().toISOString(), deadline: new Date().toISOString() };
    this.setTasks(
      id,
      (this.app(id).tasks ?? []).map((task) => (task.id === taskId ? { ...task, draining } : task)),
    );
    const sequence = this.sequence;
    await this.whenHeard(`${taskId} is drained`, limitMs, (report) => {
      if (report.drainedTasks.includes(taskId)) return true;
      return report.appliedSequence >= sequence && report.busyTasks?.includes(taskId) === false;
    });
  }

  /** Waits until the router has all that was told. */
  whenApplied(limitMs = 60_000): Promise<void> {
    const sequence = this.sequence;
    return this.whenHeard(
      'the router has it',
      limitMs,
      (report) => report.appliedSequence >= sequence,
    );
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async whenHeard(
    what: string,
    limitMs: number,
    isTrue: (report: WireRouterReport) => boolean,
  ): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    while (this.heard === undefined || !isTrue(this.heard)) {
      if (performance.now() > deadlineMs) throw new Error(`not within ${limitMs} ms: ${what}`);
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        setTimeout(resolve, 100);
      });
    }
  }

  private keep(app: WireApp): void {
    this.apps.set(app.id, app);
    this.texts.set(app.id, JSON.stringify(app));
    this.sequence += 1;
  }

  private tell({ type, data }: News): number {
    this.sequence += 1;
    const frame = `id: ${this.sequence}\nevent: ${type}\ndata: ${JSON.stringify({ ...data, eventType: type })}\n\n`;
    const atMs = performance.now();
    for (const stream of this.streams) stream.write(frame);
    return atMs;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
    if (request.method === 'PUT') {
      this.hear(request, response);
      return;
    }
    request.resume();
    if (path === '/v2/events') this.follow(response);
    else if (path === '/v2/apps')
      this.send(response, `{"apps":[${[...this.texts.values()].join()}]}`);
    else {
      const text = this.texts.get(path.slice('/v2/apps'.length));
      if (text === undefined) response.writeHead(404).end();
      else this.send(response, `{"app":${text}}`);
    }
  }

  private hear(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.heard = JSON.parse(Buffer.concat(chunks).toString()) as WireRouterReport;
      this.send(response, '{}');
      for (const resolve of this.waiting.splice(0)) resolve();
    });
  }

  private follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
    this.streams.add(response);
    response.once('close', () => this.streams.delete(response));
  }

  private send(response: ServerResponse, body: string): void {
    response.setHeader('x-pacer-sequence', String(this.sequence));
    response.setHeader('content-type', 'application/json');
    response.end(body);
  }
}

/** Resolves once an event stream is open and all was read: there is a report that has it. */
export const routerIsUp = (controller: EdgeController): Promise<boolean> =>
  eventually('the router follows', async () => controller.report !== undefined);
