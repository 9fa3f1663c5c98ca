import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDaemon, createLogger, type Daemon } from '#platform';
import { agentModule } from '../agent.module.js';
import { readAgentConfig } from '../agent-config.js';

let folder = '';
let daemon: Daemon;
const socket = createServer();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-files-'));
  const sandbox = join(folder, 'sandboxes', 'web.1');
  await mkdir(join(sandbox, 'logs'), { recursive: true });
  await mkdir(join(folder, 'sandboxes', 'web.10'), { recursive: true });
  await writeFile(join(folder, 'sandboxes', 'web.10', 'secret'), 'other task');
  await writeFile(join(folder, 'secret'), 'outside');
  await writeFile(join(sandbox, 'stdout'), 'hello wörld');
  await writeFile(join(sandbox, 'logs', 'a.log'), 'a');
  await symlink('/etc/passwd', join(sandbox, 'passwd'));
  await symlink('..', join(sandbox, 'up'));
  await symlink('../web.10', join(sandbox, 'sibling'));
  await symlink('stdout', join(sandbox, 'latest'));
  await new Promise<void>((resolve) => socket.listen(join(sandbox, 'socket'), resolve));
  const config = readAgentConfig({ environment: { PACER_DATA: folder }, argv: [] });
  const logger = createLogger('agent', 'silent');
  daemon = await createDaemon({
    name: 'agent',
    module: agentModule(config, logger),
    host: '127.0.0.1',
    port: 0,
    logger,
  });
});
afterAll(async () => {
  await daemon.close();
  socket.close();
  await rm(folder, { recursive: true, force: true });
});

const get = async (path: string) => {
  const response = await fetch(`${daemon.url}/files/${path}`);
  const text = await response.text();
  return { status: response.status, text, json: () => JSON.parse(text) };
};

describe('reading', () => {
  test('a file is read from an offset', async () => {
    const answer = await get('read?path=web.1/stdout&offset=6&length=100');

    expect(answer.json()).toEqual({ data: 'wörld', offset: 6, length: 6 });
  });

  test('offset -1 gives the size only', async () => {
    const answer = await get('read?path=/tasks/web.1/stdout&offset=-1');

    expect(answer.json()).toEqual({ data: '', offset: 12, length: 0 });
  });

  test('a character is never cut in two', async () => {
    const first = (await get('read?path=web.1/stdout&offset=6&length=2')).json();
    const rest = (await get(`read?path=web.1/stdout&offset=${6 + first.length}`)).json();

    expect(first).toEqual({ data: 'w', offset: 6, length: 1 });
    expect(rest.data).toBe('örld');
  });

  test('a link inside the sandbox is followed', async () => {
    expect((await get('read?path=web.1/latest&offset=0')).json().data).toBe('hello wörld');
  });

  test('a folder is listed with virtual paths', async () => {
    const listed = (await get('browse?path=/tasks/web.1/logs')).json();

    expect(listed).toMatchObject([{ path: '/tasks/web.1/logs/a.log', size: 1, nlink: 1 }]);
  });

  test('a listing has the path that was asked for, and names of users', async () => {
    const [entry] = (await get('browse.json?path=web.1//logs/')).json();

    expect(entry).toEqual({
      path: 'web.1/logs/a.log',
      nlink: 1,
      size: 1,
      mtime: expect.any(Number),
      mode: '-rw-r--r--',
      uid: userInfo().username,
      gid: expect.stringMatching(/./),
    });
  });

  test('without an offset the size is given, as with -1', async () => {
    expect((await get('read.json?path=web.1/stdout')).json()).toMatchObject({ offset: 12 });
  });

  test('a file is followed from an offset, with the next one as id', async () => {
    const gone = new AbortController();
    const path = 'web.1/stdout&offset=6';
    const answer = await fetch(`${daemon.url}/files/follow?path=${path}`, { signal: gone.signal });
    let text = '';
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('data:')) break;
    }
    gone.abort();

    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    expect(text).toContain('id: 12\ndata: {"offset":6,"data":"wörld"}\n\n');
  });

  test('the log of the agent has a path of its own', async () => {
    const expected = (await stat('/proc/self/fd/1')).isFile() ? 200 : 404;

    for (const path of ['/slave/log', '/slave//log/']) {
      expect((await get(`read?path=${path}`)).status).toBe(expected);
    }
    expect((await get('browse?path=/slave/log')).status).toBe(404);
    expect((await get('read?path=/slave/')).status).toBe(400);
    expect((await get('browse?path=/slave')).status).toBe(expected);
  });

  test('a file is downloaded whole', async () => {
    expect((await get('download?path=web.1/stdout')).text).toBe('hello wörld');
  });
});

describe('leaving the sandbox is refused', () => {
  test.each([
    'web.1/../../secret',
    'web.1/..%2f..%2fsecret',
    '../secret',
    '/tasks/../secret',
    '..',
    'web.1/up/web.10/secret',
    'web.1/up',
    'web.1/passwd',
    'web.1/sibling/secret',
    'web.1\\..\\..\\secret',
  ])('%s', async (path) => {
    for (const operation of ['read', 'download', 'browse', 'follow']) {
      const { status, text } = await get(`${operation}?path=${path}`);

      expect(status, operation).toBe(403);
      expect(text).not.toContain('outside');
    }
  });
});

test('a NUL character in a path is 400, whatever is asked of it', async () => {
  for (const operation of ['read', 'download', 'browse', 'follow']) {
    expect(await get(`${operation}?path=web.1/%00`), operation).toMatchObject({ status: 400 });
  }
});

describe('what is not there', () => {
  test('an unknown task is 503 until the agent has found its tasks', async () => {
    expect(await get('read?path=ghost/stdout')).toMatchObject({ status: 503 });
    const owned = 'read?path=/frameworks/f1/executors/web.1/runs/latest/stdout';
    expect(await get(owned)).toMatchObject({ status: 503 });
  });

  test('an unknown file is 404 with its name', async () => {
    expect(await get('read?path=web.1/nothing')).toMatchObject({ status: 404 });
    expect((await get('read?path=web.1/nothing')).text).toContain('no such file: nothing');
  });

  test('a missing path and a bad offset are 400', async () => {
    expect((await get('read')).status).toBe(400);
    expect((await get('read?path=web.1/stdout&offset=x')).status).toBe(400);
  });

  test.each([
    'path=web.1/stdout&path=web.1/logs',
    'path=web.1/stdout&offset=1&offset=2',
    'path=web.1/stdout&length=1&length=2',
    'path=web.1/stdout&offset=-2',
    'path=web.1/stdout&offset=1.5',
    'path=web.1/stdout&offset=%20',
    'path=web.1/stdout&offset=1e30',
    'path=web.1/stdout&length=99999999999999999999',
    'path=web.1/socket',
  ])('%s is 400', async (query) => {
    const { status, text } = await get(`read?${query}`);

    expect(status, text).toBe(400);
  });

  test('a path that is given twice is 400 wherever there is one', async () => {
    for (const operation of ['browse', 'read', 'download', 'follow']) {
      const { status, text } = await get(`${operation}?path=web.1/&path=web.1/`);

      expect(status, operation).toBe(400);
      expect(text).toContain('path is given more than once');
    }
  });

  test('the largest offset and length give nothing, and the size', async () => {
    const largest = Number.MAX_SAFE_INTEGER;

    const answer = await get(`read?path=web.1/stdout&offset=${largest}&length=${largest}`);

    expect(answer.json()).toEqual({ data: '', offset: 12, length: 0 });
  });

  test('a folder cannot be read as a file', async () => {
    expect((await get('read?path=web.1/logs')).status).toBe(400);
  });
});

test('the state is 503 until the agent has found its tasks', async () => {
  expect((await fetch(`${daemon.url}/state`)).status).toBe(503);
});
