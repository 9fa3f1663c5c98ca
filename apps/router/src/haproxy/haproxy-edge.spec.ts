import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, createServer, request, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '#platform';
import { type Endpoint, type Route, toEdgeModel } from '#routing';
import {
  sampleEndpoint,
  sampleRoute,
  sampleSettings,
} from '../../../../test/support/edge-samples.js';
import { readAppliedEdge } from './applied-edge.js';
import { edgeFilesIn } from './edge-files.js';
import { HaproxyEdge } from './haproxy-edge.js';

const hasHaproxy = ((): boolean => {
  try {
    execFileSync('haproxy', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
if (!hasHaproxy && process.env['CI'] === 'true') throw new Error('haproxy is missing');
if (!hasHaproxy) process.stderr.write('skipped: haproxy is not installed\n');

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function occupy(port: number): Promise<() => void> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return () => server.close();
}

describe.runIf(hasHaproxy)('HaproxyEdge', () => {
  let directory: string;
  let httpPort: number;
  let edge: HaproxyEdge;
  let forwardedFor: string | readonly string[] | undefined;
  let onExit: () => void = () => undefined;
  const upstreams: Server[] = [];

  const newEdge = (): HaproxyEdge =>
    new HaproxyEdge({
      files: edgeFilesIn(directory),
      logger: createLogger('router-spec'),
      onExit: () => onExit(),
      settings: {
        ...sampleSettings,
        httpPort,
        statsSocket: edgeFilesIn(directory).adminSocket,
        mapFiles: edgeFilesIn(directory).maps,
        sockets: edgeFilesIn(directory).sockets,
        hardStopSeconds: 5,
      },
    });

  const upstream = async (
    text: string,
    hold: (finish: () => void) => void = (finish) => finish(),
  ): Promise<Endpoint> => {
    const server = createServer((incoming, response) => {
      forwardedFor = incoming.headers['x-forwarded-for'];
      hold(() => response.end(text));
    });
    upstreams.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { ...sampleEndpoint(port), taskId: text };
  };

  const route = (
    endpoints: readonly Endpoint[],
    { port, ...extra }: Partial<Route> & { readonly port?: number } = {},
  ): Route => {
    const { listener: _, ...rest } = sampleRoute({
      ...{ backend: 'web_0', vhosts: ['web.localhost'], endpoints },
      ...extra,
    });
    return port === undefined
      ? rest
      : { ...rest, listener: { port, options: [], certificates: [] } };
  };
  const balanced = (algorithm: string) => ({ balance: { words: [algorithm], isHash: false } });
  const modelOf = (...routes: readonly Route[]) => toEdgeModel({ routes, conflicts: [] });

  // fetch does not let us choose the Host header.
  const ask = (host = 'web.localhost', agent: Agent | false = false): Promise<string> =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: httpPort, headers: { host }, agent }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve(body));
      })
        .on('error', reject)
        .end();
    });
  const workerPid = async (): Promise<number | undefined> =>
    (await readAppliedEdge(edgeFilesIn(directory))).workerPid;

  beforeEach(async () => {
    // With a blank, as a user's data folder may have one.
    directory = await mkdtemp(join(tmpdir(), 'pacer edge-'));
    httpPort = await freePort();
    edge = newEdge();
    await edge.start(modelOf());
  });

  afterEach(async () => {
    await edge.stop();
    for (const server of upstreams.splice(0)) server.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('answers 503 with a reason for a host nobody published', async () => {
    expect(await ask('nobody.localhost')).toContain('No route');
  });

  it('serves a new backend after one reload, and new servers without any', async () => {
    const first = await upstream('first');
    const second = await upstream('second');

    await edge.reload(modelOf(route([first])));
    expect(await ask()).toBe('first');
    expect(await edge.needsReload(modelOf(route([second])))).toBe(false);
    await edge.applyRuntime(modelOf(route([second])));

    expect(await ask()).toBe('second');
    expect(edge.reloads).toBe(1);
  });

  it('sends nothing new to a draining server and reports its open sessions', async () => {
    const first = await upstream('first');
    const second = await upstream('second');
    await edge.reload(modelOf(route([first, second])));

    await edge.applyRuntime(modelOf(route([{ ...first, state: 'draining' }, second])));

    const answers = await Promise.all([ask(), ask(), ask(), ask()]);
    expect(new Set(answers)).toEqual(new Set(['second']));
    // The master's socket is away for a moment around a reload.
    const sessions = await vi.waitFor(() => edge.sessions(['web_0']));
    expect(sessions.get(`web_0/${first.name}`)).toBe(0);
  });

  it('counts the sessions of a backend that has a port of its own', async () => {
    let answer: () => void = () => undefined;
    const slow = await upstream('slow', (finish) => {
      answer = finish;
    });
    await edge.reload(modelOf(route([slow], { port: await freePort() })));

    const asked = ask();
    await vi.waitFor(async () => {
      const sessions = await edge.sessions(['web_0']);
      expect(sessions.get(`web_0/${slow.name}`)).toBe(1);
    });
    answer();

    expect(await asked).toBe('slow');
  });

  it('is adopted by a new router with what it serves, without a restart', async () => {
    const first = await upstream('first');
    await edge.reload(modelOf(route([first])));
    const pid = edge.pid;

    const successor = newEdge();
    await successor.start(modelOf());

    expect(successor.pid).toBe(pid);
    expect(await successor.needsReload(modelOf(route([first])))).toBe(false);
    expect(await ask()).toBe('first');
    edge = successor;
  });

  it('notices the death of the very first HAProxy it started, and starts another', async () => {
    const exited = new Promise<void>((resolve) => {
      onExit = resolve;
    });
    const pid = edge.pid ?? 0;

    process.kill(pid, 'SIGKILL');
    await exited;
    await edge.restart(modelOf());

    expect(edge.pid).not.toBe(pid);
    expect(await ask()).toContain('No route');
  });

  it('names the port of the edge when another program has it', async () => {
    await edge.stop();
    const release = await occupy(httpPort);

    await expect(newEdge().start(modelOf())).rejects.toThrow(
      `port ${httpPort} of the edge is used by another program`,
    );

    release();
  }, 30_000);

  it('keeps serving when a new configuration is refused', async () => {
    const first = await upstream('first');
    await edge.reload(modelOf(route([first])));

    const broken = modelOf(route([first], balanced('no-such-algorithm')));
    await expect(edge.reload(broken)).rejects.toMatchObject({ code: 'EDGE_REFUSED' });

    expect(await ask()).toBe('first');
  });

  it('repairs what somebody changed by hand', async () => {
    const first = await upstream('first');
    const model = modelOf(route([first]));
    await edge.reload(model);
    await edge.applyRuntime(model);
    const { runCommands } = await import('./runtime-socket.js');
    await runCommands(edgeFilesIn(directory).adminSocket, [
      `set server web_0/${first.name} state maint`,
    ]);

    edge.compare(await edge.look());
    await edge.applyRuntime(model);

    expect(edge.driftRepairs).toBe(1);
    expect(await ask()).toBe('first');
  });

  it('keeps a host where it is until the reload that brings its next backend', async () => {
    const first = await upstream('first');
    await edge.reload(modelOf(route([first])));
    const moved = modelOf(route([first], { backend: 'web_1' }));
    const withPath = modelOf(route([first], { paths: [{ path: '/', ignoresCase: true }] }));

    await edge.applyRuntime(moved);
    expect(await ask()).toBe('first');
    await edge.applyRuntime(withPath);
    expect(await ask()).toBe('first');
    await edge.applyRuntime(modelOf(route([first], { vhosts: ['other.localhost'] })));

    expect(await ask()).toContain('No route');
    expect(await ask('other.localhost')).toBe('first');
  });

  it('starts without the port of an app that another program has taken', async () => {
    const first = await upstream('first');
    const model = modelOf(route([first], { port: await freePort() }));
    await edge.reload(model);
    await edge.stop();
    const release = await occupy(model.structure.routes[0]?.listener?.port ?? 0);

    edge = newEdge();
    await edge.start(modelOf());

    expect(await ask()).toBe('first');
    expect(await edge.needsReload(model)).toBe(true);
    release();
  }, 30_000);

  it('starts again with what it served, not with what was refused', async () => {
    const first = await upstream('first');
    const second = await upstream('second');
    await edge.reload(modelOf(route([first])));
    const broken = modelOf(route([second], balanced('no-such-algorithm')));
    await edge.applyRuntime(broken);
    await expect(edge.reload(broken)).rejects.toMatchObject({ code: 'EDGE_REFUSED' });
    const exited = new Promise<void>((resolve) => {
      onExit = resolve;
    });

    process.kill(edge.pid ?? 0, 'SIGKILL');
    await exited;
    await edge.restart(modelOf());

    expect(await ask()).toBe('second');
  }, 30_000);

  it('comes back from a reload that failed with the servers and hosts of now', async () => {
    const first = await upstream('first');
    const second = await upstream('second');
    await edge.reload(modelOf(route([first])));
    await edge.applyRuntime(
      modelOf(route([second], { vhosts: ['web.localhost', 'two.localhost'] })),
    );
    const worker = await workerPid();

    const other = modelOf(route([second], { vhosts: ['refused.localhost'] }));
    const refused = edge.reload(other, () => 'it is not to be');
    await expect(refused).rejects.toMatchObject({ code: 'EDGE_REFUSED' });

    // Without anything being applied again.
    expect(await workerPid()).not.toBe(worker);
    expect(await ask()).toBe('second');
    expect(await ask('two.localhost')).toBe('second');
    expect(await readFile(edgeFilesIn(directory).maps.hosts, 'utf8')).toBe(
      'two.localhost/ web_0\nweb.localhost/ web_0\n',
    );
  }, 30_000);

  it('asks for a reload when HAProxy refuses at run time what is wanted', async () => {
    const first = await upstream('first');
    const second = await upstream('second');
    // Servers cannot be added to a backend with such an algorithm.
    const fixed = balanced('static-rr');
    await edge.reload(modelOf(route([first], fixed)));
    const wanted = modelOf(route([second], fixed));

    await edge.applyRuntime(wanted);
    expect(await edge.needsReload(wanted)).toBe(true);
    await edge.reload(wanted);

    expect(await edge.needsReload(wanted)).toBe(false);
    expect(await ask()).toBe('second');
  });

  it('serves what an idle client of the former worker asks next with the servers of now', async () => {
    const first = await upstream('first');
    const second = await upstream('second');
    await edge.reload(modelOf(route([first])));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await ask('web.localhost', agent)).toBe('first');

    const grown = modelOf(
      route([second]),
      route([], { backend: 'other_0', vhosts: ['x.localhost'] }),
    );
    await edge.reload(grown);
    await edge.applyRuntime(grown);
    for (const server of upstreams.splice(0, 1)) {
      server.close();
      server.closeAllConnections();
    }

    expect(await ask('web.localhost', agent)).toBe('second');
    expect(forwardedFor).toBe('127.0.0.1');
    agent.destroy();
  });
});
