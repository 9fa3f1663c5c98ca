import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WireApp, WireTask } from '#marathon-v2';

/** A controller for a router: it lists apps, and says by events which changed. Nothing runs. */
export class DnsController {
  private readonly apps = new Map<string, WireApp>();
  private readonly streams = new Set<ServerResponse>();
  private sequence = 1;
  private whole: string | undefined;
  private readonly server = createServer((request, response) => {
    request.resume();
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
    if (path === '/v2/events') this.follow(response);
    else if (path === '/v2/apps') this.send(response, this.listed());
    else if (path.startsWith('/v2/apps/')) {
      const app = this.apps.get(path.slice('/v2/apps'.length));
      if (app === undefined) response.writeHead(404).end();
      else this.send(response, JSON.stringify({ app }));
    } else this.send(response, '{}');
  });

  async start(apps: number, instances: number): Promise<void> {
    for (let number = 0; number < apps; number += 1) this.put(number, instances);
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Gives an app's first instance another address, and tells. Says which address. */
  change(number: number, instances: number): string {
    const mark = this.sequence % 65_536;
    const address = `10.200.${mark >> 8}.${mark & 255}`;
    const id = this.put(number, instances, address);
    const frame = `id: ${this.sequence}\nevent: status_update_event\ndata: {"appId":"${id}"}\n\n`;
    for (const stream of this.streams) stream.write(frame);
    return address;
  }

  get followers(): number {
    return this.streams.size;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private put(number: number, instances: number, first?: string): string {
    const app = benchApp(number, instances, first);
    this.apps.set(app.id, app);
    this.sequence += 1;
    this.whole = undefined;
    return app.id;
  }

  /** Written once per change, as the real one does. */
  private listed(): string {
    this.whole ??= JSON.stringify({ apps: [...this.apps.values()] });
    return this.whole;
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

/** `/bench/app-<number>` with instances all over 10.0.0.0/8 and one named port. */
export function benchApp(number: number, instances: number, first?: string): WireApp {
  const id = `/bench/app-${number}`;
  const tasks = Array.from({ length: instances }, (_, index): WireTask => {
    const at = number * instances + index;
    const host = `10.${(at >> 16) & 127}.${(at >> 8) & 255}.${at & 255}`;
    return {
      appId: id,
      id: `bench_app-${number}.instance-${String(index).padStart(12, '0')}._app.1`,
      host: index === 0 && first !== undefined ? first : host,
      ports: [31_000 + index],
      servicePorts: [0],
      ipAddresses: [],
      slaveId: `0f3c-S${at % 1_000}`,
      state: 'TASK_RUNNING',
      version: '2026-01-01T00:00:00.000Z',
      localVolumes: [],
      role: '*',
    };
  });
  return {
    id,
    labels: {},
    instances,
    cpus: 0.1,
    mem: 32,
    disk: 0,
    gpus: 0,
    networks: [{ mode: 'host' }],
    portDefinitions: [{ port: 0, protocol: 'tcp', name: 'http', labels: {} }],
    requirePorts: false,
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
    version: '2026-01-01T00:00:00.000Z',
    tasks,
  };
}
