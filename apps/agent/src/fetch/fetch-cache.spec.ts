import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CommandUri } from '#mesos-v1';
import { FetchCache } from './fetch-cache.js';
import { UriFetcher } from './uri-fetcher.js';

let folder = '';
let server: Server;
let url = '';
let asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-fetch-cache-'));
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server has one.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const plain =
  (text: string, headers: Readonly<Record<string, string>> = {}) =>
  (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': Buffer.byteLength(text), ...headers }).end(text);
  };

const fetcherOf = (cacheBytes: number): UriFetcher =>
  new UriFetcher({ cacheFolder: join(folder, 'cache'), cacheBytes, maxBytes: 100_000 });

/** Fetches one file into a sandbox of its own; what it holds then. */
async function bring(
  fetcher: UriFetcher,
  uri: CommandUri,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ readonly text: string; readonly log: string }> {
  const sandbox = await mkdtemp(join(folder, 'sandbox-'));
  await fetcher.fetch({ uris: [{ ...uri, output_file: 'it' }], sandbox, signal });
  const read = (name: string): Promise<string> => readFile(join(sandbox, name), 'utf8');
  return { text: await read('it'), log: await read('stderr') };
}

test('what is fetched with `cache` is downloaded once', async () => {
  answer = plain('jar');
  const fetcher = fetcherOf(1_000);

  const first = await bring(fetcher, { value: `${url}/a.jar`, cache: true });
  const second = await bring(fetcher, { value: `${url}/a.jar`, cache: true });

  expect([first.text, second.text]).toEqual(['jar', 'jar']);
  expect(asked).toEqual(['/a.jar']);
  expect(first.log).toMatch(/^fetch: http\S+a\.jar: 3 B in [\d.]+ s, kept in the cache\n$/);
  expect(second.log).toContain('from the cache');
});

test('tasks that want a file at once share one download, which goes on while one of them waits', async () => {
  let finish: () => void = () => undefined;
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': 4 }).write('ja');
    finish = () => response.end('rs');
  };
  const cache = new FetchCache({ folder: join(folder, 'cache'), limitBytes: 1_000 });
  const impatient = new AbortController();
  const lease = (signal: AbortSignal): ReturnType<FetchCache['lease']> =>
    cache.lease({
      location: `${url}/a.jar`,
      signal,
      limitBytes: 1_000,
      onProgress: () => undefined,
    });

  const given = lease(impatient.signal);
  const others = [1, 2, 3].map(() => lease(new AbortController().signal));
  const isUnderWay = async (): Promise<boolean> =>
    (await readdir(join(folder, 'cache')).catch(() => [])).length > 0;
  while (!(await isUnderWay()));
  impatient.abort(new Error('killed'));
  await expect(given).rejects.toThrow('killed');
  finish();

  for (const one of await Promise.all(others)) {
    if (one.kind !== 'cached') throw new Error('not cached');
    expect(await readFile(one.path, 'utf8')).toBe('jars');
    one.release();
  }
  expect(asked).toEqual(['/a.jar']);
});

test('a file whose server says that it changed is fetched anew, one it cannot speak of is not', async () => {
  let etag = '"1"';
  answer = (request, response) => {
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else plain(`content ${etag}`, { etag })(request, response);
  };
  const fetcher = fetcherOf(1_000);
  const uri = { value: `${url}/a.jar`, cache: true };

  await bring(fetcher, uri);
  expect((await bring(fetcher, uri)).log).toContain('from the cache');
  etag = '"2"';
  expect((await bring(fetcher, uri)).text).toBe('content "2"');
  answer = (_request, response) => void response.writeHead(503).end();
  expect((await bring(fetcher, uri)).text).toBe('content "2"');
  answer = (_request, response) => void response.writeHead(404).end();
  await expect(bring(fetcher, uri)).rejects.toThrow('the server answered 404');
});

test('the file not used for longest gives way, and one that has no room is fetched past the cache', async () => {
  answer = plain('x'.repeat(400));
  const fetcher = fetcherOf(1_000);
  const one = (name: string) => bring(fetcher, { value: `${url}/${name}`, cache: true });

  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await one(name);
  expect(asked).toEqual(['/a', '/b', '/c', '/b']);
  expect((await readdir(join(folder, 'cache'))).length).toBeLessThanOrEqual(2);

  answer = plain('y'.repeat(1_001));
  expect((await one('long')).log).toContain('not kept in the cache');
});

test('without a length, a file is not kept', async () => {
  answer = (_request, response) => {
    response.write('chu');
    response.end('nked');
  };
  const fetcher = fetcherOf(1_000);
  const uri = { value: `${url}/a.jar`, cache: true };

  expect((await bring(fetcher, uri)).text).toBe('chunked');
  expect((await bring(fetcher, uri)).text).toBe('chunked');
  expect(asked).toHaveLength(2);
});

test('a failed download is told to all who wait, and tried again by the next', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': 10 }).write('short');
    setImmediate(() => response.destroy());
  };
  const fetcher = fetcherOf(1_000);
  const uri = { value: `${url}/a.jar`, cache: true };

  const ends = await Promise.allSettled([bring(fetcher, uri), bring(fetcher, uri)]);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  answer = plain('whole');

  expect((await bring(fetcher, uri)).text).toBe('whole');
});

test('a checksum is compared before anything is done with the file, cached or not', async () => {
  answer = plain('jar');
  const right = `#sha256=${sha256('jar')}`;
  const wrong = `#sha256=${sha256('other')}`;

  expect((await bring(fetcherOf(0), { value: `${url}/a.jar${right}` })).text).toBe('jar');
  for (const cache of [false, true]) {
    const fetched = bring(fetcherOf(1_000), { value: `${url}/a.jar${wrong}`, cache });
    await expect(fetched).rejects.toThrow(`its sha256 is ${sha256('jar')}, not ${sha256('other')}`);
  }
  await expect(bring(fetcherOf(0), { value: `${url}/a.jar#sha256=abc` })).rejects.toThrow(
    'sha256=abc is not a checksum of 64 hexadecimal digits',
  );
});

test('a checksum that cannot be compared is not passed over', async () => {
  answer = plain('jar');

  for (const name of ['md5', 'sha1', 'SHA1']) {
    const fetched = bring(fetcherOf(0), { value: `${url}/a.jar#${name}=00` });
    await expect(fetched).rejects.toThrow(`checksums by ${name.toLowerCase()} are not supported`);
  }
  expect((await bring(fetcherOf(0), { value: `${url}/a.jar#top` })).text).toBe('jar');
  expect(asked).toHaveLength(1);
});

test('redirects are followed ten times, and never to another kind of place', async () => {
  answer = (request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) plain('there')(request, response);
    else response.writeHead(302, { location: `/${left - 1}` }).end();
  };
  expect((await bring(fetcherOf(0), { value: `${url}/10` })).text).toBe('there');
  await expect(bring(fetcherOf(0), { value: `${url}/11` })).rejects.toThrow(
    'more than 10 redirects',
  );

  answer = (_request, response) =>
    void response.writeHead(302, { location: 'file:///etc/passwd' }).end();
  await expect(bring(fetcherOf(0), { value: `${url}/x` })).rejects.toThrow('redirected to file:');
});

test('a name and password in the URI are given to its server alone, and shown nowhere', async () => {
  const given: (string | undefined)[] = [];
  answer = (request, response) => {
    given.push(request.headers.authorization);
    if (request.url === '/a') {
      const elsewhere = url.replace('127.0.0.1', 'localhost');
      response.writeHead(302, { location: `${elsewhere}/b` }).end();
    } else response.writeHead(403).end();
  };
  const value = `${url.replace('//', '//me:secret@')}/a`;

  const reason = await bring(fetcherOf(0), { value }).catch(String);

  expect(given).toEqual([`Basic ${Buffer.from('me:secret').toString('base64')}`, undefined]);
  expect(reason).toContain('the server answered 403');
  expect(reason).not.toContain('secret');
});
