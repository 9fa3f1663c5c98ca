import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CommandUri } from '#mesos-v1';
import { UriFetcher } from './uri-fetcher.js';

let folder = '';
let sandbox = '';
let server: Server;
let url = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-fetch-'));
  server = createServer((request, response) => {
    if (request.url === '/missing') response.writeHead(404).end();
    else if (request.url === '/slow') response.write('x');
    else response.end('from http');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  sandbox = await mkdtemp(join(folder, 'sandbox-'));
});

const fetchAll = (uris: readonly CommandUri[], maxBytes = 1_000_000, signal?: AbortSignal) =>
  new UriFetcher({ cacheFolder: join(folder, 'cache'), cacheBytes: 0, maxBytes }).fetch({
    uris,
    sandbox,
    signal: signal ?? new AbortController().signal,
  });
const read = (name: string) => readFile(join(sandbox, name), 'utf8');

test('http, file and plain paths are brought into the sandbox', async () => {
  await writeFile(join(folder, 'local.txt'), 'local');

  await fetchAll([
    { value: `${url}/page.txt?version=2` },
    { value: `file://${folder}/local.txt`, output_file: 'deep/copy.txt' },
    { value: join(folder, 'local.txt'), executable: true },
  ]);

  expect(await read('page.txt')).toBe('from http');
  expect(await read('deep/copy.txt')).toBe('local');
  expect((await stat(join(sandbox, 'local.txt'))).mode & 0o111).toBe(0o111);
});

test('archives are extracted unless told otherwise', async () => {
  await mkdir(join(folder, 'tree/bin'), { recursive: true });
  await writeFile(join(folder, 'tree/bin/tool'), 'tool');
  execFileSync('tar', ['-czf', join(folder, 'tree.tgz'), '-C', join(folder, 'tree'), '.']);
  await writeFile(join(folder, 'data.gz'), gzipSync('unpacked'));

  await fetchAll([
    { value: join(folder, 'tree.tgz') },
    { value: join(folder, 'tree.tgz'), extract: false, output_file: 'kept.tgz' },
    { value: join(folder, 'data.gz') },
  ]);

  expect(await read('bin/tool')).toBe('tool');
  expect((await stat(join(sandbox, 'kept.tgz'))).size).toBeGreaterThan(0);
  expect(await read('data')).toBe('unpacked');
});

test('an archive whose members would leave the sandbox is refused', async () => {
  await writeFile(join(folder, 'evil'), 'evil');
  execFileSync('tar', [
    '-cf',
    join(folder, 'evil.tar'),
    '-P',
    '--transform=s,^.*evil,../evil,',
    join(folder, 'evil'),
  ]);

  await expect(fetchAll([{ value: join(folder, 'evil.tar') }])).rejects.toThrow(
    'would leave the sandbox',
  );
});

/** An archive of files and links: a text is a file, `-> x` a link to `x`. */
async function pack(name: string, entries: Readonly<Record<string, string>>): Promise<string> {
  const tree = await mkdtemp(join(folder, 'tree-'));
  const archive = join(folder, name);
  for (const [path, content] of Object.entries(entries)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    if (content.startsWith('-> ')) await symlink(content.slice(3), join(tree, path));
    else await writeFile(join(tree, path), content);
  }
  await rm(archive, { force: true });
  if (name.endsWith('.zip')) execFileSync('zip', ['-qry', archive, '.'], { cwd: tree });
  else execFileSync('tar', ['-cf', archive, ...(await readdir(tree))], { cwd: tree });
  return archive;
}

const hasZip = spawnSync('zip', ['-v']).status === 0;

test.for(['tar', 'zip'])(
  'a %s is not unpacked through a link of an earlier one',
  async (kind, context) => {
    context.skip(kind === 'zip' && !hasZip, 'zip is missing');
    const outside = await mkdtemp(join(folder, 'outside-'));
    const first = await pack('first.tar', { d: `-> ${outside}` });
    const second = await pack(`second.${kind}`, { 'd/deep/evil': 'evil' });

    const fetched = fetchAll([{ value: first }, { value: second }]);

    await expect(fetched).rejects.toThrow('"d" leads out of the sandbox through a link');
    expect(await readdir(outside)).toEqual([]);
  },
);

test('nothing unpacked or downloaded is written to what a link points to', async () => {
  const outside = await mkdtemp(join(folder, 'outside-'));
  const victim = join(outside, 'victim');
  await writeFile(victim, 'untouched');
  const links = await pack('links.tar', { data: `-> ${victim}`, plain: `-> ${victim}` });
  const file = await pack('file.tar', { plain: 'from the second archive' });
  await writeFile(join(folder, 'data.gz'), gzipSync('unpacked'));
  await writeFile(join(folder, 'local.txt'), 'local');

  await fetchAll([
    { value: links },
    { value: join(folder, 'data.gz') },
    { value: file },
    { value: links, output_file: 'again.tar' },
    { value: join(folder, 'local.txt'), output_file: 'data' },
  ]);

  expect(await readFile(victim, 'utf8')).toBe('untouched');
  expect(await read('data')).toBe('local');
});

test('no folder is made through a link on the way to an output file', async () => {
  const outside = await mkdtemp(join(folder, 'outside-'));
  const first = await pack('first.tar', { d: `-> ${outside}` });
  await writeFile(join(folder, 'local.txt'), 'local');
  const second = { value: join(folder, 'local.txt'), output_file: 'd/a/b/x' };

  await expect(fetchAll([{ value: first }, second])).rejects.toThrow('through a link');

  expect(await readdir(outside)).toEqual([]);
});

test('archives are merged, also through links that stay inside, and leave nothing else', async () => {
  const first = await pack('first.tar', { 'app-1/a': 'a', 'app-1/b': 'b', current: '-> app-1' });
  const second = await pack('second.tar', { 'current/b': 'new b', 'app-1/c': 'c' });
  // An archive may hold a file of its own name.
  const third = await pack('third.tar', { 'third.tar': 'inner' });

  await fetchAll([{ value: first }, { value: second }, { value: third }]);

  expect(await readdir(sandbox)).toEqual(['app-1', 'current', 'stderr', 'third.tar']);
  const texts = await Promise.all(['a', 'b', 'c'].map((name) => read(`app-1/${name}`)));
  expect(texts).toEqual(['a', 'new b', 'c']);
  expect(await read('third.tar')).toBe('inner');
});

test.skipIf(process.getuid?.() !== 0)('an archive with a device is refused', async () => {
  execFileSync('mknod', [join(folder, 'disk'), 'b', '7', '0']);
  execFileSync('tar', ['-cf', join(folder, 'device.tar'), '-C', folder, 'disk']);

  const fetched = fetchAll([{ value: join(folder, 'device.tar') }]);

  await expect(fetched).rejects.toThrow('member "disk" is a device');
});

test('a local pipe is refused rather than waited for', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);

  await expect(fetchAll([{ value: join(folder, 'pipe') }])).rejects.toThrow('not a regular file');
});

test('contents above the limit are refused, packed or not', async () => {
  await writeFile(join(folder, 'zeros.gz'), gzipSync(Buffer.alloc(100_000)));
  await writeFile(join(folder, 'zeros'), Buffer.alloc(100_000));

  await expect(fetchAll([{ value: join(folder, 'zeros.gz') }], 10_000)).rejects.toThrow(
    'limit of 10000',
  );
  await expect(fetchAll([{ value: join(folder, 'zeros') }], 10_000)).rejects.toThrow(
    'it is 100000 bytes long, the limit is 10000',
  );
});

test('an output file outside the sandbox is refused, through a link too', async () => {
  await writeFile(join(folder, 'local.txt'), 'local');
  await symlink(folder, join(sandbox, 'out'));
  const value = join(folder, 'local.txt');

  await expect(fetchAll([{ value, output_file: '../x' }])).rejects.toThrow('inside the sandbox');
  await expect(fetchAll([{ value, output_file: '/etc/x' }])).rejects.toThrow('inside the sandbox');
  await expect(fetchAll([{ value, output_file: 'out/x' }])).rejects.toThrow('through a link');
});

test('a failure names the URI and the reason', async () => {
  await expect(fetchAll([{ value: `${url}/missing` }])).rejects.toThrow(
    `${url}/missing: the server answered 404`,
  );
  await expect(fetchAll([{ value: 'hdfs://x/y' }])).rejects.toThrow(
    'scheme hdfs: is not supported',
  );
});

test('a failed connection says why', async () => {
  await expect(fetchAll([{ value: 'http://127.0.0.1:1/x' }])).rejects.toThrow(
    'http://127.0.0.1:1/x: connect ECONNREFUSED 127.0.0.1:1',
  );
});

test('an aborted fetch stops', async () => {
  const abort = new AbortController();
  const fetched = fetchAll([{ value: `${url}/slow` }], 1_000, abort.signal);
  setTimeout(() => abort.abort(), 20);

  await expect(fetched).rejects.toThrow();
});

test.for([
  ['bzip2', 'bz2'],
  ['xz', 'xz'],
])('a file packed by %s is unpacked, and its contents are limited', async ([tool, ending]) => {
  const path = join(folder, `data.txt`);
  await writeFile(path, 'x'.repeat(50_000));
  execFileSync(tool ?? '', ['-kf', path]);

  await fetchAll([{ value: `${path}.${ending}` }]);

  expect(await read('data.txt')).toHaveLength(50_000);
  await expect(fetchAll([{ value: `${path}.${ending}` }], 20_000)).rejects.toThrow(
    'more than the limit of 20000 bytes',
  );
});

test('no file of an archive acts as its owner', async () => {
  const tree = await mkdtemp(join(folder, 'tree-'));
  await writeFile(join(tree, 'tool'), '#!/bin/sh\n');
  await chmod(join(tree, 'tool'), 0o6755);
  execFileSync('tar', ['-cpf', join(folder, 'set.tar'), '-C', tree, 'tool']);

  await fetchAll([{ value: join(folder, 'set.tar') }]);

  expect((await stat(join(sandbox, 'tool'))).mode & 0o7777).toBe(0o755);
});

test('a file of this host is read by the rights of the task’s user', async (context) => {
  context.skip(process.getuid?.() !== 0, 'only root can act as another user');
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'secret'), 'secret', { mode: 0o600 });
  await writeFile(join(folder, 'open'), 'open', { mode: 0o644 });
  const fetcher = new UriFetcher({ cacheFolder: join(folder, 'cache'), cacheBytes: 0 });
  const bring = (name: string): Promise<void> =>
    fetcher.fetch({
      uris: [{ value: join(folder, name) }],
      sandbox,
      user: 'nobody',
      signal: new AbortController().signal,
    });

  await bring('open');
  expect(await read('open')).toBe('open');
  await expect(bring('secret')).rejects.toThrow(/secret: .*Permission denied/);
});
