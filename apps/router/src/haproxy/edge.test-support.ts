import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#platform';
import { type EdgeModel, type Endpoint, type Route, toEdgeModel } from '#routing';
import {
  sampleEndpoint,
  sampleRoute,
  sampleSettings,
} from '../../../../test/support/edge-samples.js';
import { type EdgeFiles, edgeFilesIn, type ForeignPaths } from './edge-files.js';
import type { HaproxyEdgeOptions } from './edge-options.js';
import { freePort } from './haproxy.test-support.js';
import { HaproxyEdge } from './haproxy-edge.js';

/** An edge with a folder, a port and upstreams of its own. */
export class TestEdge {
  private readonly upstreams: Server[] = [];
  onExit: () => void = () => undefined;

  private constructor(
    readonly directory: string,
    readonly files: EdgeFiles,
    readonly httpPort: number,
  ) {}

  static async create(foreign?: (directory: string) => ForeignPaths): Promise<TestEdge> {
    const directory = await mkdtemp(join(tmpdir(), 'pacer edge-'));
    const files = edgeFilesIn(directory, foreign?.(directory));
    return new TestEdge(directory, files, await freePort());
  }

  newEdge(
    extra: Partial<HaproxyEdgeOptions> & { readonly baseOf?: () => string | undefined } = {},
  ): HaproxyEdge {
    const { files, httpPort } = this;
    const { baseOf, ...options } = extra;
    return new HaproxyEdge({
      files,
      logger: createLogger('router-spec'),
      onExit: () => this.onExit(),
      settings: {
        ...sampleSettings,
        httpPort,
        statsSocket: files.adminSocket,
        mapFiles: files.maps,
        sockets: files.sockets,
        hardStopSeconds: 30,
        get baseConfig() {
          return baseOf?.();
        },
      },
      ...options,
    });
  }

  /** A server that answers with `text`. */
  async upstream(text: string, delayMs = 0): Promise<Endpoint> {
    const server = createServer((_, response) => {
      setTimeout(() => response.end(text), delayMs);
    });
    this.upstreams.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { ...sampleEndpoint(port), taskId: text };
  }

  /** web.localhost -> these endpoints. */
  model(endpoints: readonly Endpoint[], extra: Partial<Route> = {}): EdgeModel {
    const { listener: _, ...route } = sampleRoute({
      backend: 'web_0',
      vhosts: ['web.localhost'],
      endpoints,
      ...extra,
    });
    return toEdgeModel({ routes: [route], conflicts: [] });
  }

  ask(agent: Agent | false = false): Promise<string> {
    const headers = { host: 'web.localhost' };
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.httpPort, headers, agent }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve(body));
        response.on('error', reject);
      })
        .on('error', reject)
        .end();
    });
  }

  async remove(): Promise<void> {
    for (const server of this.upstreams) {
      server.close();
      server.closeAllConnections();
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}
