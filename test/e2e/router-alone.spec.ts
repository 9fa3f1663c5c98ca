import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, killQuietly } from './support/cluster.js';
import { eventually, request } from './support/http.js';

const MAIN = resolve(import.meta.dirname, '../../dist/apps/router/bundle/main.js');

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A router without a controller, as systemd would run it. */
describe('a router on its own', () => {
  let directory: string;
  let url: string;
  let edgeUrl: string;
  let environment: Readonly<Record<string, string>>;
  let router: ChildProcess | undefined;

  const haproxyPid = (): number => {
    const record: unknown = JSON.parse(
      readFileSync(join(directory, 'haproxy/haproxy.json'), 'utf8'),
    );
    return (record as { readonly pid: number }).pid;
  };
  const isServed = async (): Promise<boolean> =>
    (await request(`${edgeUrl}/`)).text.includes('No route');
  const start = async (): Promise<void> => {
    router = spawn(process.execPath, [MAIN], {
      stdio: 'ignore',
      env: { ...process.env, ...environment },
    });
    await eventually('the router has its HAProxy', async () =>
      /"haproxyPid":\d/.test((await request(`${url}/v1/status`)).text),
    );
    await eventually('the edge answers', isServed);
  };
  const exitCode = async (): Promise<unknown> => {
    if (router?.exitCode === null) await once(router, 'exit');
    return router?.exitCode;
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pacer-e2e-router-'));
    const [port, edgePort] = [await freePort(), await freePort()];
    url = `http://127.0.0.1:${port}`;
    edgeUrl = `http://127.0.0.1:${edgePort}`;
    environment = {
      PACER_PORT: String(port),
      PACER_DATA: directory,
      PACER_EDGE_HTTP_PORT: String(edgePort),
      PACER_EDGE_HTTPS_PORT: '0',
      PACER_CONTROLLER_URLS: `http://127.0.0.1:${await freePort()}`,
    };
    await start();
  });
  afterEach(() => {
    if (router?.exitCode === null) router.kill('SIGKILL');
    try {
      killQuietly(haproxyPid());
    } catch {
      // It was ended as it should be, and its record with it.
    }
    rmSync(directory, { recursive: true, force: true });
  });

  it('leaves HAProxy serving on SIGTERM, and its successor adopts it', async () => {
    const pid = haproxyPid();

    router?.kill('SIGTERM');
    expect(await exitCode()).toBe(0);
    expect(isAlive(pid)).toBe(true);
    expect(await isServed()).toBe(true);
    await start();

    expect(haproxyPid()).toBe(pid);
    expect(JSON.parse((await request(`${url}/v1/status`)).text)).toMatchObject({ haproxyPid: pid });
  });

  it('ends HAProxy and then itself when it is asked to shut down', async () => {
    const pid = haproxyPid();

    const reply = await request(`${url}/pacer/v1/shutdown`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });

    expect(reply.status).toBe(200);
    expect(isAlive(pid)).toBe(false);
    expect(await exitCode()).toBe(0);
  });

  it('refuses to be shut down by a web page', async () => {
    const reply = await request(`${url}/pacer/v1/shutdown`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'http://elsewhere.example' },
      body: '{}',
    });

    expect(reply.status).toBe(403);
    expect(isAlive(haproxyPid())).toBe(true);
  });
});
