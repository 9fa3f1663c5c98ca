import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ApiError, createDaemon, createLogger, type Daemon } from '#platform';
import { tunnelUpgrade } from './tunnel-upgrade.js';

let upstream: Server;
let upstreamUrl = '';
let front: Daemon;
const sockets: WebSocket[] = [];
const asked: (string | undefined)[] = [];

@Controller()
class TunnelController {
  @Get(':where')
  async open(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { where } = request.params as { readonly where: string };
    const url = new URL(where === 'nowhere' ? 'http://127.0.0.1:9' : `${upstreamUrl}/${where}`);
    try {
      await tunnelUpgrade(request, reply, { url, headers: { authorization: 'Basic own' } });
    } catch (cause) {
      throw new ApiError(503, 'nobody answers', { cause });
    }
  }
}

beforeAll(async () => {
  const accepting = new WebSocketServer({ noServer: true });
  upstream = createServer();
  upstream.on('upgrade', (request, socket, head) => {
    asked.push(request.headers.authorization);
    if (request.url === '/refused') {
      socket.end('HTTP/1.1 409 Conflict\r\ncontent-length: 16\r\n\r\n{"message":"no"}');
      return;
    }
    accepting.handleUpgrade(request, socket, head, (client) => {
      sockets.push(client);
      client.on('message', (data) => client.send(data));
      client.send(Buffer.from('welcome'));
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  front = await createDaemon({
    ...{ name: 'front', host: '127.0.0.1', port: 0, logger: createLogger('front', 'silent') },
    module: { module: class TunnelModule {}, controllers: [TunnelController] },
    acceptsUpgrades: true,
  });
});
afterAll(async () => {
  await front.close();
  upstream.close();
});

const connect = (path: string): WebSocket =>
  new WebSocket(`${front.url.replace('http', 'ws')}${path}`, {
    headers: { authorization: 'Basic theirs' },
  });

it('passes bytes both ways, with credentials of our own', async () => {
  const client = connect('/open');
  const [first] = await once(client, 'message');
  const big = Buffer.alloc(3_000_000, 'x');

  client.send(big);
  const [echoed] = await once(client, 'message');

  expect(String(first)).toBe('welcome');
  expect(big.equals(echoed)).toBe(true);
  expect(asked.at(-1)).toBe('Basic own');
  client.terminate();
  await once(sockets.at(-1) as WebSocket, 'close');
});

it('cuts the client off when the other side goes', async () => {
  const client = connect('/open');
  await once(client, 'message');

  sockets.at(-1)?.terminate();

  await once(client, 'close');
});

it.each([
  ['/refused', 409, '{"message":"no"}'],
  ['/nowhere', 503, '{"message":"nobody answers"}'],
])('answers %s with %i and closes', async (path, status, body) => {
  const client = connect(path);
  client.on('error', () => undefined);
  const [, response] = await once(client, 'unexpected-response');

  expect(response.statusCode).toBe(status);
  expect((await response.toArray()).join('')).toBe(body);
});

it('survives a client that leaves before anybody has answered', async () => {
  const socket = connectSocket(front.port, '127.0.0.1');
  socket.write(
    'GET /open HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    () => socket.resetAndDestroy(),
  );
  await once(socket, 'close');

  const client = connect('/open');
  expect(String((await once(client, 'message'))[0])).toBe('welcome');
  client.terminate();
});
