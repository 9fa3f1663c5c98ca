import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readTaskFile } from './read-task-file.js';

let server: Server;
let agentUrl: string;
const asked: (string | undefined)[] = [];

beforeEach(async () => {
  server = createServer((request, response) => {
    asked.push(request.url, request.headers.authorization);
    if (request.url?.includes('stdout')) response.end('ä word\n');
    else if (request.url?.includes('huge')) response.end(Buffer.alloc(9 * 1024 * 1024));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  agentUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  asked.splice(0);
  server.closeAllConnections();
  server.close();
});

it('reads a file of a task from its agent, with a credential where one is given', async () => {
  const credential = { principal: 'fw', secret: 's' };

  expect(await readTaskFile({ taskId: 't.1', agentUrl }, 'stdout', { credential })).toBe(
    'ä word\n',
  );
  expect(asked).toEqual(['/files/download?path=%2Ftasks%2Ft.1%2Fstdout', 'Basic Znc6cw==']);
});

it.each([
  ['none', /none was answered 404/],
  ['huge', /more than 8388608 bytes/],
])('says what is wrong with %s', async (file, reason) => {
  await expect(readTaskFile({ taskId: 't.1', agentUrl }, file)).rejects.toThrow(reason);
});

it('says that an agent gave no address', async () => {
  await expect(readTaskFile({ taskId: 't.1' }, 'stdout')).rejects.toThrow(/no address/);
});
