import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Dial, ProbeTarget } from '#core';
import { CertificateAuthority } from '../../../test/support/certificates.js';
import { createProber } from './prober.js';

const GENEROUS = { timeoutMs: 20_000 };

describe('the prober', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      if ('closeAllConnections' in server)
        (server as { closeAllConnections(): void }).closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  async function http(handler: RequestListener): Promise<ProbeTarget> {
    const port = await listen(createHttpServer(handler));
    return { kind: 'http', scheme: 'http', host: '127.0.0.1', port, path: '/ping me' };
  }

  it.each([
    [200, true],
    [302, true],
    [399, true],
    [400, false],
    [503, false],
  ])('judges HTTP %i as passed: %s, following no redirect', async (status, passed) => {
    const paths: (string | undefined)[] = [];
    const target = await http((request, response) => {
      paths.push(request.url);
      response.writeHead(status, { Location: '/elsewhere' }).end('body');
    });

    const result = await createProber().probe(target, GENEROUS);

    expect(result).toMatchObject({ passed, status, detail: `HTTP ${status}`, body: 'body' });
    expect(paths).toEqual(['/ping%20me']);
  });

  describe('of a network of its own', () => {
    /** Reaches what listens on 127.0.0.1 at any address that is asked for from inside. */
    function inside(always: boolean) {
      const dialled: unknown[] = [];
      const dial: Dial = async (to, signal) => {
        dialled.push(to);
        const socket = connect({ port: to.port, host: '127.0.0.1', signal: signal as AbortSignal });
        await once(socket, 'connect');
        return socket;
      };
      return { dialled, inside: { host: '127.0.0.1', always, dial } };
    }
    const refusing = '127.0.0.9';

    it('is asked from inside when its address refuses, also after a redirect', async () => {
      const target = await http((request, response) => {
        const isThere = request.url === '/there';
        response.writeHead(isThere ? 200 : 302, { location: '/there' }).end(request.headers.host);
      });
      const { dialled, inside: network } = inside(false);
      const { port } = target as { readonly port: number };
      const given = { ...target, host: refusing, maxRedirects: 1, inside: network } as ProbeTarget;

      const result = await createProber().probe(given, GENEROUS);

      expect(result).toMatchObject({ passed: true, status: 200, body: `127.0.0.1:${port}` });
      expect(dialled).toEqual(Array(2).fill({ host: '127.0.0.1', port }));
    });

    it('is asked at its address only while that answers, whatever the answer', async () => {
      const target = await http((_request, response) => response.writeHead(503).end());
      const { dialled, inside: network } = inside(false);

      const result = await createProber().probe(
        { ...target, inside: network } as ProbeTarget,
        GENEROUS,
      );

      expect(result.status).toBe(503);
      expect(dialled).toEqual([]);
    });

    it('is asked from inside alone where nothing of it is reached from outside', async () => {
      const port = await listen(createTcpServer((socket) => socket.end()));
      const { dialled, inside: network } = inside(true);
      const target = { kind: 'tcp' as const, host: '127.0.0.1', port, inside: network };

      expect(await createProber().probe(target, GENEROUS)).toMatchObject({ passed: true });
      expect(dialled).toHaveLength(1);
      expect(await createProber().probe({ ...target, port: 1 }, GENEROUS)).toMatchObject({
        ...{ passed: false, detail: 'connection refused' },
      });
    });

    it('fails at the deadline inside too', async () => {
      const dial: Dial = () => new Promise(() => undefined);
      const network = { host: '127.0.0.1', always: true, dial };
      const target = { kind: 'tcp' as const, host: refusing, port: 1, inside: network };

      const result = await createProber().probe(target, { timeoutMs: 50 });

      expect(result).toMatchObject({ passed: false, timedOut: true });
    });
  });

  it('follows redirects of the target itself, whatever it calls itself, and not to other hosts', async () => {
    const paths: (string | undefined)[] = [];
    const target = await http((request, response) => {
      paths.push(request.url);
      const { port } = request.socket.address() as AddressInfo;
      const next: Record<string, string> = {
        '/ping%20me': '/relative?a=1',
        '/relative?a=1': `http://localhost:${port}/absolute`,
        '/absolute': 'http://elsewhere.example/',
      };
      response.writeHead(302, { Location: next[request.url ?? ''] ?? '' }).end();
    });

    const result = await createProber().probe(
      { ...target, maxRedirects: 10 } as ProbeTarget,
      GENEROUS,
    );

    expect(result).toMatchObject({ passed: true, status: 302 });
    expect(paths).toEqual(['/ping%20me', '/relative?a=1', '/absolute']);
  });

  it('fails a target that redirects for ever', async () => {
    let asked = 0;
    const target = await http((_, response) => {
      asked += 1;
      response.writeHead(302, { Location: '/again' }).end();
    });

    const result = await createProber().probe(
      { ...target, maxRedirects: 10 } as ProbeTarget,
      GENEROUS,
    );

    expect(result).toMatchObject({ passed: false, detail: 'more than 10 redirects' });
    expect(asked).toBe(11);
  });

  it('reaches IPv6 addresses', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    const { port } = server.address() as AddressInfo;

    const result = await createProber().probe({ kind: 'tcp', host: '::1', port }, GENEROUS);

    expect(result.passed).toBe(true);
  });

  it('keeps no more than 64 KiB of an endless body', async () => {
    const target = await http((_, response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', pour);
      pour();
    });

    const result = await createProber().probe(target, GENEROUS);

    expect(result.body).toHaveLength(64 * 1024);
    expect(result.passed).toBe(true);
  });

  it('fails at the deadline, also while a body trickles in', async () => {
    const target = await http((_, response) => void response.write('half'));

    const result = await createProber().probe(target, { timeoutMs: 100 });

    expect(result).toMatchObject({ passed: false, detail: 'no answer within 100 ms' });
  });

  it('says what went wrong with a connection', async () => {
    const port = await listen(createTcpServer());
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const target = { kind: 'tcp', host: '127.0.0.1', port } as const;

    const result = await createProber().probe(target, GENEROUS);

    expect(result).toMatchObject({ passed: false, detail: 'connection refused' });
  });

  it('asks over HTTPS whoever signed the certificate, and however long it has expired', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pacer-prober-'));
    const files = new CertificateAuthority(folder).issue('elsewhere', { days: -1 });
    const options = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
    const port = await listen(createHttpsServer(options, (_request, response) => response.end()));
    const target = { kind: 'http', scheme: 'https', host: '127.0.0.1', port, path: '/' } as const;

    const result = await createProber().probe(target, GENEROUS);
    rmSync(folder, { recursive: true });

    expect(result).toMatchObject({ passed: true, status: 200 });
  }, 60_000);

  it('passes once a TCP connection stands', async () => {
    const port = await listen(createTcpServer((socket) => socket.on('error', () => undefined)));
    const target = { kind: 'tcp', host: '127.0.0.1', port } as const;

    expect(await createProber().probe(target, GENEROUS)).toMatchObject({ passed: true });
  });

  it('judges a command by its exit code and quotes its last line', async () => {
    const run = async () => ({ exitCode: 2, output: 'one\ntwo\n' });

    const result = await createProber().probe({ kind: 'command', run }, GENEROUS);

    expect(result).toMatchObject({ passed: false, detail: 'exit code 2: two' });
  });

  it('never rejects, whatever the target', async () => {
    const run = async () => {
      throw new Error('the container is gone');
    };
    const prober = createProber();
    const wrong = { kind: 'http', scheme: 'https', host: '', port: 99_999, path: '\0' } as const;

    const command = await prober.probe({ kind: 'command', run }, GENEROUS);
    const impossible = await prober.probe(wrong, GENEROUS);

    expect(command).toMatchObject({ passed: false, detail: 'the container is gone' });
    expect(impossible.passed).toBe(false);
  });

  it('runs a bounded number at once, in order, and refuses when too many wait', async () => {
    const finish: (() => void)[] = [];
    const started: number[] = [];
    const target = (id: number): ProbeTarget => ({
      kind: 'command',
      run: async () => {
        started.push(id);
        await new Promise<void>((resolve) => finish.push(resolve));
        return { exitCode: 0, output: '' };
      },
    });
    const prober = createProber({ commandsAtOnce: 1, maxWaiting: 1 });

    const first = prober.probe(target(1), GENEROUS);
    const second = prober.probe(target(2), GENEROUS);
    const third = await prober.probe(target(3), GENEROUS);
    finish[0]?.();
    const { passed } = await first;
    await vi.waitFor(() => expect(finish).toHaveLength(2));
    finish[1]?.();
    await second;

    expect(third).toMatchObject({ passed: false, skipped: true });
    expect(third.detail).toContain('1 probes wait already');
    expect(passed).toBe(true);
    expect(started).toEqual([1, 2]);
  });

  it('lets slow commands keep no connection waiting', async () => {
    const port = await listen(createTcpServer((socket) => socket.on('error', () => undefined)));
    let finish = (): void => undefined;
    const run = async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return { exitCode: 0, output: '' };
    };
    const prober = createProber({ atOnce: 1, commandsAtOnce: 1 });

    const command = prober.probe({ kind: 'command', run }, GENEROUS);
    const connection = await prober.probe({ kind: 'tcp', host: '127.0.0.1', port }, GENEROUS);
    finish();

    expect(connection.passed).toBe(true);
    expect(await command).toMatchObject({ passed: true, exitCode: 0 });
  });

  it('judges nothing when this very process was held up past the deadline', async () => {
    const run = () => new Promise<never>(() => undefined);
    const now = vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValue(60_000);

    const result = await createProber().probe({ kind: 'command', run }, { timeoutMs: 10 });
    now.mockRestore();

    expect(result).toMatchObject({ skipped: true, detail: expect.stringContaining('held up') });
  });
});
