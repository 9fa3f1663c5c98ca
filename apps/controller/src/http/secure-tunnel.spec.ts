import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createDaemon, createLogger, type Daemon, principalOf, takeUpgrade } from '#platform';
import type { CertificateFiles } from '../../../../test/support/certificates.js';
import { becomeSecure, type SecureProcess } from '../../../../test/support/secure-process.js';
import { byScheme } from '../sandbox/agent-files.js';
import { tunnelUpgrade } from './tunnel-upgrade.js';

/** openssl takes its time on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

const accepting = new WebSocketServer({ noServer: true });
let secure: SecureProcess;
let daemon: Daemon;
let olga: CertificateFiles;

/** Both ends of the tunnel. */
@Controller()
class TunnelController {
  @Get('tunnel/:scheme')
  async tunnel(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { scheme } = request.params as { readonly scheme: string };
    const url = new URL(`/end`, daemon.url.replace('https', scheme));
    await byScheme(url, (one) => tunnelUpgrade(request, reply, { url: one, headers: {} }));
  }

  @Get('end')
  end(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    reply.hijack();
    const { socket, head } = takeUpgrade(request.raw) ?? expect.unreachable();
    accepting.handleUpgrade(request.raw, socket, head, (client) => {
      client.on('message', (data) => client.send(data));
      client.send(principalOf(request.raw) ?? 'nobody');
    });
  }
}

beforeAll(async () => {
  secure = becomeSecure('controller', { kinds: ['operator'], clientCerts: 'require' });
  olga = secure.ca.issue('olga', { kinds: ['operator'] });
  daemon = await createDaemon({
    ...{ name: 'front', host: '127.0.0.1', port: 0, logger: createLogger('front', 'silent') },
    module: { module: class TunnelModule {}, controllers: [TunnelController] },
    acceptsUpgrades: true,
  });
});
afterAll(async () => {
  await daemon.close();
  secure.close();
});

const connect = (path: string, files: CertificateFiles, headers = {}): WebSocket => {
  const client = new WebSocket(`${daemon.url.replace('http', 'ws')}${path}`, {
    ...{
      ca: readFileSync(secure.ca.cert),
      cert: readFileSync(files.cert),
      key: readFileSync(files.key),
    },
    headers,
  });
  client.on('error', () => undefined);
  return client;
};

it.each([
  ['that is told to speak TLS', '/tunnel/https'],
  ['that has begun to speak TLS since', '/tunnel/http'],
])('passes bytes over TLS to an agent %s, as who we are', async (_what, path) => {
  const client = connect(path, olga);
  const [first] = await once(client, 'message');
  const big = Buffer.alloc(3_000_000, 'x');

  client.send(big);
  const [echoed] = await once(client, 'message');

  expect(daemon.url).toMatch(/^https:/);
  expect(String(first)).toBe('controller');
  expect(big.equals(echoed)).toBe(true);
  client.terminate();
});

it('does not fall back to clear text on another machine', async () => {
  const asked: string[] = [];
  const ask = async ({ origin }: URL) => {
    asked.push(origin);
    throw new Error('no TLS here');
  };

  await expect(byScheme(new URL('http://127.0.0.2:5051/files'), ask)).rejects.toThrow('no TLS');
  await expect(byScheme(new URL('http://10.0.0.1:5051/files'), ask)).rejects.toThrow('no TLS');

  expect(asked).toEqual([
    'https://127.0.0.2:5051',
    'http://127.0.0.2:5051',
    'https://10.0.0.1:5051',
  ]);
});

it('checks who asks and from where before it opens anything', async () => {
  const agent = secure.ca.issue('rack-1', { kinds: ['agent'] });

  for (const client of [
    connect('/end', agent),
    connect('/end', olga, { origin: 'https://evil.example' }),
    connect('/end', olga, { host: 'evil.example' }),
  ]) {
    const [, response] = await once(client, 'unexpected-response');
    expect(response.statusCode).toBe(403);
    response.resume();
  }
});
