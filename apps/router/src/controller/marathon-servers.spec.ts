import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ControllerClient, type ControllerEvent } from './controller-client.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
const HOST = [{ mode: 'host' }];
const WHOLE = { id: '/web', labels: {}, networks: HOST };
const REPORT = { appliedSequence: 7, drainedTasks: [], busyTasks: [], url: 'http://router' };

async function listen(answer: Answer): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json =
  (body: unknown): Answer =>
  (_request, response) =>
    void response.end(JSON.stringify(body));
const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_request, response) =>
    void response.writeHead(code, headers).end();
const clientOf = (urls: readonly string[], headers: Readonly<Record<string, string>> = {}) =>
  new ControllerClient(urls, () => headers);

async function eventsOf(client: ControllerClient): Promise<readonly ControllerEvent[]> {
  const events: ControllerEvent[] = [];
  await client.follow({
    onOpen: () => undefined,
    onEvent: (event) => events.push(event),
    signal: new AbortController().signal,
  });
  return events;
}

/** What servers other than our controller do that speak Marathon's API: all of it is documented there. */
describe('ControllerClient and the servers of Marathon', () => {
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  it('takes a server that knows neither routers nor certificates for one that keeps none', async () => {
    for (const code of [404, 405]) {
      const client = clientOf([await listen(status(code))]);

      expect(await client.report('router-1', REPORT)).toBe(false);
      expect(await client.listCertificates()).toBeUndefined();
    }
  });

  it('reads apps without a sequence, and events without an id', async () => {
    const url = await listen((request, response) => {
      if (request.url?.startsWith('/v2/events') === true) {
        response.end('event: app_terminated_event\r\ndata: {"appId":"/web"}\r\n\r\n');
      } else response.end(JSON.stringify({ apps: [WHOLE] }));
    });
    const client = clientOf([url]);

    expect(await client.listApps()).toEqual({
      apps: [WHOLE],
      sequence: undefined,
    });
    expect(await eventsOf(client)).toEqual([
      { id: undefined, type: 'app_terminated_event', data: { appId: '/web' } },
    ]);
  });

  it('fills in what is missing, and drops what leads nowhere', async () => {
    const tasks = [
      null,
      { id: 'nowhere', state: 'TASK_RUNNING' },
      { id: 'old', host: 'agent-1', startedAt: '2015-01-01T00:00:00Z', ports: null },
      { id: 'new', host: 'agent-1', healthCheckResults: [null, { alive: true }] },
      { id: 'unknown', host: 'agent-1', state: 'TASK_RUNNING', healthCheckResults: null },
    ];
    const app = { id: '/web', labels: { a: 'b', bad: 7 }, healthChecks: [{}, null], tasks };
    const nulls = {
      ...{ id: '/nulls', labels: {}, tasks: null, networks: null, ipAddress: null },
      container: { docker: null, portMappings: [null, { containerPort: 80, hostPort: null }] },
    };
    const url = await listen(json({ apps: [null, {}, { id: '/bare' }, nulls, app] }));

    const { apps } = await clientOf([url]).listApps();

    expect(apps).toEqual([
      { id: '/bare', labels: {}, networks: HOST },
      {
        ...{ id: '/nulls', labels: {}, networks: HOST },
        container: { portMappings: [{ containerPort: 80, protocol: 'tcp' }] },
      },
      {
        id: '/web',
        labels: { a: 'b' },
        networks: HOST,
        healthChecks: [
          {
            ...{ protocol: 'HTTP', gracePeriodSeconds: 300, intervalSeconds: 60 },
            ...{ timeoutSeconds: 20, maxConsecutiveFailures: 3 },
          },
        ],
        tasks: [
          { ...tasks[2], state: 'TASK_RUNNING', ports: [] },
          { ...tasks[3], ports: [], state: 'TASK_STAGING', healthCheckResults: [{ alive: true }] },
          { ...tasks[4], ports: [], healthCheckResults: [] },
        ],
      },
    ]);
  });

  it('reads an app that is written in full as it is', async () => {
    const app = {
      id: '/web',
      labels: { HAPROXY_GROUP: 'external' },
      networks: HOST,
      healthChecks: [
        {
          ...{ protocol: 'TCP', gracePeriodSeconds: 1, intervalSeconds: 1, timeoutSeconds: 1 },
          maxConsecutiveFailures: 0,
        },
      ],
      tasks: [{ id: 'one', host: '10.0.0.1', state: 'TASK_RUNNING', ports: [31_000] }],
    };

    const { apps } = await clientOf([await listen(json({ apps: [app] }))]).listApps();

    expect(apps).toEqual([app]);
  });

  it('reads networks and ports as they were before Marathon 1.5', async () => {
    const docker = (network: string) => ({
      container: { docker: { network, portMappings: [{ containerPort: 80, hostPort: 0 }] } },
    });
    const discovery = { ports: [{ number: 9_000, name: 'http', protocol: 'tcp' }] };
    const given = [
      { id: '/ports', labels: {}, ports: [10_001], ipAddress: null },
      { id: '/bridge', labels: {}, portDefinitions: [{ port: 10_002 }], ...docker('BRIDGE') },
      { id: '/user', labels: {}, ...docker('USER') },
      { id: '/address', labels: {}, portDefinitions: [], ipAddress: { discovery } },
    ];

    const { apps } = await clientOf([await listen(json({ apps: given }))]).listApps();

    expect(apps).toMatchObject([
      { networks: HOST, portDefinitions: [{ port: 10_001, protocol: 'tcp' }] },
      {
        networks: [{ mode: 'container/bridge' }],
        container: { portMappings: [{ containerPort: 80 }] },
      },
      { networks: [{ mode: 'container' }], container: { portMappings: [{ containerPort: 80 }] } },
      {
        networks: [{ mode: 'container' }],
        container: { portMappings: [{ containerPort: 9_000, name: 'http', protocol: 'tcp' }] },
      },
    ]);
  });

  it.each([302, 307])('goes with its credentials where a standby sends it (%i)', async (code) => {
    const headers = { authorization: 'Basic cGFjZXI6c2VjcmV0' };
    const leader = await listen((request, response) => {
      if (request.headers.authorization !== headers.authorization) response.writeHead(401).end();
      else if (request.url?.startsWith('/v2/events') === true) response.end('data: {}\n\n');
      else response.end('{"apps":[]}');
    });
    const standby = await listen((request, response) =>
      response.writeHead(code, { location: `${leader}${request.url}` }).end(),
    );
    const client = clientOf([standby], headers);

    expect(await eventsOf(client)).toHaveLength(1);
    expect((await client.listApps()).apps).toEqual([]);
  });

  it('does not go round in circles', async () => {
    let asked = 0;
    const url = await listen((_request, response) => {
      asked += 1;
      response.writeHead(307, { location: '/v2/apps' }).end();
    });

    await expect(clientOf([url]).listApps()).rejects.toThrow('3 are followed');
    expect(asked).toBe(4);
  });

  it('asks for events that are not compressed and whose plans are light', async () => {
    const seen: unknown[] = [];
    const url = await listen((request, response) => {
      seen.push(request.headers['accept-encoding'], request.url);
      response.end();
    });

    await eventsOf(clientOf([url]));

    expect(seen).toEqual(['identity', '/v2/events?plan-format=light']);
  });

  it('leaves a host that fails once, though the stream and a read find out together', async () => {
    const good = await listen((request, response) => {
      if (request.url?.startsWith('/v2/events') === true) response.end('data: {}\n\n');
      else response.end('{"apps":[]}');
    });
    const client = clientOf([await listen(status(503)), good]);

    const first = await Promise.allSettled([client.listApps(), eventsOf(client)]);
    const second = await Promise.allSettled([client.listApps(), eventsOf(client)]);

    expect(first.map((one) => one.status)).toEqual(['rejected', 'rejected']);
    expect(second.map((one) => one.status)).toEqual(['fulfilled', 'fulfilled']);
  });

  it('goes to the next host when a stream breaks in the middle of an event', async () => {
    const broken = await listen((_request, response) => {
      response.write('event: status_update_event\ndata: {"appId":');
      setTimeout(() => response.destroy(), 20);
    });
    const good = await listen((_request, response) => response.end('data: {}\n\n'));
    const client = clientOf([broken, good]);

    await expect(eventsOf(client)).rejects.toThrow();
    expect(await eventsOf(client)).toHaveLength(1);
  });
});
