import { readFile, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeWithHaproxy } from '../haproxy.test-support.js';
import { readCertificateBundle } from './certificate-bundle.js';
import { type CertificateEntry, toListLine } from './certificate-files.js';
import { bundle, CertificateRig, makePem } from './certificates.test-support.js';
import { runPayloadCommand } from './payload-command.js';
import { ServedCertificates } from './served-certificates.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

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
  let rig: CertificateRig;
  let one: CertificateEntry;
  let certificates: ServedCertificates;

  const sync = (entries: readonly CertificateEntry[]) =>
    certificates.sync(entries, { isOnDisk: false });

  beforeEach(async () => {
    rig = new CertificateRig();
    one = rig.entry('one', makePem('one.test'));
    await rig.write([one]);
    await rig.start();
    certificates = new ServedCertificates(rig);
  });
  afterEach(() => rig.destroy());

  it('replaces, adds and removes them without a reload', async () => {
    const worker = rig.pid;
    const renewed = rig.entry('one', makePem('one.test'));
    const two = rig.entry('two', makePem('two.test'), ['two.test', '*.two.test']);

    expect(await sync([renewed, two])).toMatchObject({
      added: [two.file],
      replaced: [one.file],
      removed: [],
      refused: [],
    });
    expect(await rig.served('one.test')).toBe(renewed.fingerprint);
    expect(await rig.served('www.two.test')).toBe(two.fingerprint);
    expect((await sync([renewed, two])).replaced).toEqual([]);

    expect(await sync([renewed])).toMatchObject({ removed: [two.file], refused: [] });
    expect(await rig.served('two.test')).toBe(renewed.fingerprint);
    expect(await rig.run('show info').then(([info]) => info)).toContain(`Pid: ${worker}\n`);
  });

  it('keeps the old one when the new one is refused, and leaves no transaction open', async () => {
    const bad = { ...one, pem: swapKey(), fingerprint: '00' };
    const three = { ...rig.entry('three', makePem('three.test')), pem: 'rubbish' };

    const result = await sync([bad, three]);

    expect(result.refused.map(({ file }) => file)).toEqual([one.file, three.file]);
    expect(await rig.served('one.test')).toBe(one.fingerprint);
    const [certificates = ''] = await rig.run('show ssl cert');
    expect(certificates).not.toContain('*');
    expect(certificates).not.toContain('three.pem');
  });

  it('takes over from a transaction somebody left open', async () => {
    const renewed = rig.entry('one', makePem('one.test'));
    await runPayloadCommand(rig.adminSocket, `set ssl cert ${one.file}`, swapKey());

    expect(await sync([renewed])).toMatchObject({ replaced: [one.file], refused: [] });
    expect(await rig.served('one.test')).toBe(renewed.fingerprint);
  });

  it('moves a certificate to other names', async () => {
    const two = rig.entry('two', makePem('two.test'), ['two.test']);
    await sync([one, two]);

    const moved = { ...two, filters: ['moved.test'] };
    expect(await sync([one, moved])).toMatchObject({ replaced: [two.file], refused: [] });

    expect(await rig.served('moved.test')).toBe(two.fingerprint);
    expect(await rig.served('two.test')).toBe(one.fingerprint);
  });

  it('leaves one that is too large for a reload, and says so', async () => {
    const large = { ...one, pem: one.pem.repeat(40), fingerprint: '00' };

    const { refused } = await sync([large]);

    expect(refused[0]?.reason).toContain('after a reload');
    expect(await rig.served('one.test')).toBe(one.fingerprint);
  });

  it('writes files for their owner only, and removes those that are not listed', async () => {
    const two = rig.entry('two', makePem('two.test'));
    await rig.write([one, two]);
    await rig.write([two]);

    expect((await stat(two.file)).mode & 0o777).toBe(0o600);
    await expect(stat(one.file)).rejects.toThrow('ENOENT');
    expect(await readFile(rig.certificateList, 'utf8')).toBe(`${two.file}\n`);
  });
});
