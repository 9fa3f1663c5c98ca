import { Agent, createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger } from '#platform';
import { type Endpoint, type Route, toEdgeModel } from '#routing';
import {
  sampleEndpoint,
  sampleRoute,
  sampleSettings,
} from '../../../../test/support/edge-samples.js';
import { TestEdge } from './edge.test-support.js';
import { describeWithHaproxy, freePort } from './haproxy.test-support.js';
import { HaproxyEdge } from './haproxy-edge.js';

/** A request on a connection that has been idle since before a reload, so that the former worker gets it. */
describeWithHaproxy('what a former worker hands over', () => {
  let test: TestEdge;
  let edge: HaproxyEdge;
  let ports: { readonly apps: number; readonly shared: number };
  const upstreams: Server[] = [];
  let seen: IncomingHttpHeaders = {};
  const agents: Agent[] = [];

  const upstream = async (text: string): Promise<Endpoint> => {
    const server = createServer((incoming, response) => {
      seen = incoming.headers;
      response.end(text);
    });
    upstreams.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return sampleEndpoint((server.address() as AddressInfo).port);
  };
  const routeOf = (name: string, endpoints: readonly Endpoint[], extra: Partial<Route>): Route => {
    const { listener: _, ...route } = sampleRoute({
      ...{ appId: `/${name}`, backend: `${name}_0`, endpoints },
    });
    return { ...route, ...extra };
  };
  const listenAt = (address: string) => ({
    listener: { port: ports.shared, address, options: [], certificates: [] },
  });

  beforeEach(async () => {
    test = await TestEdge.create();
    ports = { apps: await freePort(), shared: await freePort() };
    edge = new HaproxyEdge({
      files: test.files,
      logger: createLogger('router-spec'),
      onExit: () => undefined,
      settings: {
        ...sampleSettings,
        ...{ httpPort: test.httpPort, appsPort: ports.apps, hardStopSeconds: 30 },
        ...{ statsSocket: test.files.adminSocket, mapFiles: test.files.maps },
        sockets: test.files.sockets,
      },
    });
    await edge.start(toEdgeModel({ routes: [], conflicts: [] }));
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) agent.destroy();
    await edge.stop();
    for (const server of upstreams.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
    await test.remove();
  });

  /** A client with one connection, which is kept. */
  function clientOf(
    address: string,
    port: number,
    headers: Readonly<Record<string, string>> = {},
  ): () => Promise<string> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    return () =>
      new Promise((resolve, reject) => {
        const options = { host: address, port, agent, path: '/rule' };
        const host = 'ruled.localhost';
        request({ ...options, headers: { host, ...headers } }, (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => {
            body += chunk.toString();
          });
          response.on('end', () => resolve(body.trim()));
        })
          .on('error', reject)
          .end();
      });
  }

  it('goes on by the way it came in: by app id, by address and port, by host', async () => {
    const [ruled, left, right, plain] = await Promise.all(
      ['ruled', 'left', 'right', 'plain'].map(upstream),
    );
    const routesOf = (extra: readonly Route[]) =>
      toEdgeModel({
        routes: [
          routeOf('ruled', [ruled as Endpoint], {
            ...{ vhosts: ['ruled.localhost'], paths: [{ path: '/Rule', ignoresCase: true }] },
          }),
          routeOf('left', [left as Endpoint], listenAt('127.0.0.1')),
          routeOf('right', [right as Endpoint], listenAt('127.0.0.2')),
          routeOf('plain', [plain as Endpoint], { vhosts: ['plain.localhost'] }),
          ...extra,
        ],
        conflicts: [],
      });
    await edge.reload(routesOf([]));
    const appId = { 'x-marathon-app-id': '/plain' };
    const clients = [
      clientOf('127.0.0.1', test.httpPort, { ...appId, 'x-pacer-entry': 'apps' }),
      clientOf('127.0.0.1', ports.apps, appId),
      clientOf('127.0.0.1', ports.apps, { 'x-marathon-app-id': '/nobody' }),
      clientOf('127.0.0.1', ports.shared),
      clientOf('127.0.0.2', ports.shared),
    ];
    const askAll = () => Promise.all(clients.map((ask) => ask()));
    const before = await askAll();

    // One more proxy: a reload.
    await edge.reload(routesOf([routeOf('more', [], { vhosts: ['more.localhost'] })]));
    const after = await askAll();

    const nobody = expect.stringContaining('No route');
    expect(before).toEqual(['ruled', 'plain', nobody, 'left', 'right']);
    expect(after).toEqual(before);
    expect(seen).not.toHaveProperty('x-pacer-entry');
  });

  it('finds the next app on its port, though that one listens on other addresses', async () => {
    const [old, next] = await Promise.all(['old', 'next'].map(upstream));
    const at = (name: string, endpoint: Endpoint | undefined, address: string) =>
      toEdgeModel({
        routes: [routeOf(name, endpoint === undefined ? [] : [endpoint], listenAt(address))],
        conflicts: [],
      });
    await edge.reload(at('old', old, '127.0.0.1'));
    const ask = clientOf('127.0.0.1', ports.shared);
    expect(await ask()).toBe('old');

    await edge.reload(at('next', next, '*'));

    expect(await ask()).toBe('next');
  });
});
