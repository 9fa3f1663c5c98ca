import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { agentId } from '#core';
import { anInstance } from '../../../../test/support/store-fixtures.js';
import { createTaskCommands } from './run-in-task.js';

const asked: URL[] = [];
const server = createServer();
const sockets = new WebSocketServer({ noServer: true });
let agentUrl = '';
/** A client that asked for a command which sleeps has its session. */
let sleeps = (): void => undefined;

/** An agent whose commands say what they are and end with 3, unless they sleep or are no longer there. */
beforeAll(async () => {
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '', 'http://agent');
    asked.push(url);
    const command = url.searchParams.getAll('command').at(-1) ?? '';
    if (command === 'gone') {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      if (command === 'sleep') {
        client.once('pong', () => sleeps());
        client.ping();
        return;
      }
      client.send(Buffer.concat([Uint8Array.of(1), Buffer.from(`ran ${command}`)]));
      client.send(JSON.stringify({ kind: 'exit', code: 3 }));
      client.close(1000);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  agentUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  for (const client of sockets.clients) client.terminate();
  server.close();
});

const run = (command: string, timeoutMs = 5_000, url = agentUrl) => {
  const placement = { agentId: agentId('a'), hostname: 'h', attributes: {}, agentUrl: url };
  return createTaskCommands(() => 'f1')(anInstance('i1', { placement }), command, timeoutMs);
};

it('runs a command for a shell beside the task and says how it ended', async () => {
  expect(await run('test -f x && true')).toEqual({
    exitCode: 3,
    output: 'ran test -f x && true',
  });
  const url = asked.at(-1);
  expect(url?.pathname).toBe('/frameworks/f1/executors/i1._app.1/runs/latest/exec');
  expect(url?.searchParams.getAll('command')).toEqual(['/bin/sh', '-c', 'test -f x && true']);
});

it('gives up a command that lasts too long, which has failed', async () => {
  const isOpen = new Promise<void>((resolve) => {
    sleeps = resolve;
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const running = run('sleep', 60_000);
    await isOpen;
    vi.advanceTimersByTime(59_999);
    await run('true', 60_000);
    vi.advanceTimersByTime(1);

    expect(await running).toEqual({ exitCode: 124, output: 'still running after 60000 ms' });
  } finally {
    vi.useRealTimers();
  }
});

it('says nothing when nobody could be asked', async () => {
  expect(await run('gone')).toBeUndefined();
  expect(await run('true', 5_000, 'http://127.0.0.1:1')).toBeUndefined();
});
