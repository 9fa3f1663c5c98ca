import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeWithHaproxy, freePort } from '../haproxy.test-support.js';
import { haproxyEnvironment } from '../haproxy-command.js';
import { runCommands } from '../runtime-socket.js';
import { type CertificateBundle, readCertificateBundle } from './certificate-bundle.js';
import { type CertificateEntry, toListLine, writeCertificateFiles } from './certificate-files.js';
import { runPayloadCommand } from './payload-command.js';
import { readRunningCertificates, syncCertificates } from './sync-certificates.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let pems: string;

/** A self-signed certificate with its key. */
function makePem(name: string): string {
  const [key, cert] = [join(pems, 'key.pem'), join(pems, 'cert.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const files = ['-keyout', key, '-out', cert, '-days', '2'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...subject], { stdio: 'ignore' });
  return execFileSync('cat', [cert, key], { encoding: 'utf8' });
}

function bundle(text: string): CertificateBundle {
  const read = readCertificateBundle(text);
  if (!read.ok) throw new Error(read.reason);
  return read.bundle;
}

beforeAll(async () => {
  pems = await mkdtemp(join(tmpdir(), 'pacer-pems-'));
});
afterAll(() => rm(pems, { recursive: true, force: true }));

describe('readCertificateBundle', () => {
  it('takes chain and key in any order, and no empty line', () => {
    const [cert, key] = makePem('one.test').split(/(?=-----BEGIN PRIVATE)/);

    const read = bundle(`Bag Attributes\r\n\r\n${key}\n\n\n${cert}`);

    expect(read.names).toEqual(['one.test']);
    expect(read.pem).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    expect(read.pem).not.toMatch(/\n\n|\r/);
  });

  it.each([
    ['the key of another', () => swapKey(), 'the key is not that of the first certificate'],
    ['no key', () => makePem('one.test').split('-----BEGIN PRIVATE')[0] ?? '', '0 keys, not one'],
    ['nothing', () => 'rubbish', 'no CERTIFICATE'],
    [
      'a broken certificate',
      () => makePem('one.test').replace(/CERTIFICATE-----\n.{20}/, 'CERTIFICATE-----\nAAAA'),
      '',
    ],
  ])('refuses %s', (_, make, reason) => {
    const read = readCertificateBundle(make());

    expect(read.ok).toBe(false);
    expect(read.ok ? '' : read.reason).toContain(reason);
  });
});

/** A certificate with a key that is not its own. */
function swapKey(): string {
  const [cert] = makePem('one.test').split(/(?=-----BEGIN PRIVATE)/);
  const [, key] = makePem('two.test').split(/(?=-----BEGIN PRIVATE)/);
  return `${cert}${key}`;
}

it.each(['a b.pem', 'a\nb', 'a"b', '[alpn', '#x', ''])('refuses %j in a list', (file) => {
  expect(() => toListLine({ file, filters: [] })).toThrow('cannot be in a list');
});

it.each([
  ['set x', 'a\n\nb'],
  ['set x', 'a\r\nb'],
  ['set x; quit', 'a'],
])('refuses to send %j with %j', async (command, payload) => {
  await expect(runPayloadCommand('/none', command, payload)).rejects.toThrow(RangeError);
});

describeWithHaproxy('certificates of a running HAProxy', () => {
  let directory: string;
  let socket: string;
  let list: string;
  let port: number;
  let stop: () => Promise<void>;

  const entry = (name: string, text: string, filters: readonly string[] = []) => {
    const { pem, fingerprint } = bundle(text);
    return { file: join(directory, 'certs', `${name}.pem`), pem, fingerprint, filters };
  };
  const write = (entries: readonly CertificateEntry[]): Promise<void> =>
    writeCertificateFiles({ directory: join(directory, 'certs'), list }, entries);
  const sync = async (entries: readonly CertificateEntry[]) => {
    const have = await readRunningCertificates(socket, list);
    if (have === undefined) throw new Error('no such list');
    return syncCertificates(socket, entries, have);
  };
  /** Fingerprint of what is served for a name. */
  const served = (servername: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', servername, rejectUnauthorized: false };
      const connection = connect(options, () => {
        resolve(connection.getPeerCertificate().fingerprint.replaceAll(':', ''));
        connection.destroy();
      });
      connection.on('error', reject);
    });
  const pid = async (): Promise<string | undefined> =>
    /^Pid: .*/m.exec((await runCommands(socket, ['show info']))[0] ?? '')?.[0];

  let one: CertificateEntry;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pacer-certificates-'));
    socket = join(directory, 'admin.sock');
    list = join(directory, 'certificates.list');
    port = await freePort();
    one = entry('one', makePem('one.test'));
    await write([one]);
    const config = join(directory, 'haproxy.cfg');
    await writeFile(
      config,
      [
        `global\n  stats socket ${socket} mode 600 level admin`,
        'defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s',
        `frontend f\n  bind 127.0.0.1:${port} ssl crt-list ${list}`,
        '  http-request return status 200\n',
      ].join('\n'),
    );
    const env = haproxyEnvironment();
    const child = spawn('haproxy', ['-db', '-f', config], { stdio: 'ignore', env });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    stop = () => {
      child.kill('SIGKILL');
      return ended;
    };
    await vi.waitFor(() => runCommands(socket, ['show info']), { timeout: 20_000 });
  });
  afterEach(async () => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('replaces, adds and removes them without a reload', async () => {
    const worker = await pid();
    const renewed = entry('one', makePem('one.test'));
    const two = entry('two', makePem('two.test'), ['two.test', '*.two.test']);

    expect(await sync([renewed, two])).toEqual({
      added: [two.file],
      replaced: [one.file],
      removed: [],
      refused: [],
    });
    expect(await served('one.test')).toBe(renewed.fingerprint);
    expect(await served('www.two.test')).toBe(two.fingerprint);
    expect((await sync([renewed, two])).replaced).toEqual([]);

    expect(await sync([renewed])).toMatchObject({ removed: [two.file], refused: [] });
    expect(await served('two.test')).toBe(renewed.fingerprint);
    expect(await pid()).toBe(worker);
  });

  it('keeps the old one when the new one is refused, and leaves no transaction open', async () => {
    const bad = { ...one, pem: swapKey(), fingerprint: '00' };
    const three = { ...entry('three', makePem('three.test')), pem: 'rubbish' };

    const result = await sync([bad, three]);

    expect(result.refused.map(({ file }) => file)).toEqual([one.file, three.file]);
    expect(await served('one.test')).toBe(one.fingerprint);
    const [certificates = ''] = await runCommands(socket, ['show ssl cert']);
    expect(certificates).not.toContain('*');
    expect(certificates).not.toContain('three.pem');
  });

  it('takes over from a transaction somebody left open', async () => {
    const renewed = entry('one', makePem('one.test'));
    await runPayloadCommand(socket, `set ssl cert ${one.file}`, swapKey());

    expect(await sync([renewed])).toMatchObject({ replaced: [one.file], refused: [] });
    expect(await served('one.test')).toBe(renewed.fingerprint);
  });

  it('moves a certificate to other names', async () => {
    const two = entry('two', makePem('two.test'), ['two.test']);
    await sync([one, two]);

    const moved = { ...two, filters: ['moved.test'] };
    expect(await sync([one, moved])).toMatchObject({ replaced: [two.file], refused: [] });

    expect(await served('moved.test')).toBe(two.fingerprint);
    expect(await served('two.test')).toBe(one.fingerprint);
  });

  it('leaves one that is too large for a reload, and says so', async () => {
    const large = { ...one, pem: one.pem.repeat(40), fingerprint: '00' };

    const { refused } = await sync([large]);

    expect(refused[0]?.reason).toContain('after a reload');
    expect(await served('one.test')).toBe(one.fingerprint);
  });

  it('writes files for their owner only, and removes those that are not listed', async () => {
    const two = entry('two', makePem('two.test'));
    await write([one, two]);
    await write([two]);

    expect((await stat(two.file)).mode & 0o777).toBe(0o600);
    await expect(stat(one.file)).rejects.toThrow('ENOENT');
    expect(await readFile(list, 'utf8')).toBe(`${two.file}\n`);
  });
});
