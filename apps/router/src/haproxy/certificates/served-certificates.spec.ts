import { mkdtempSync, rmSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { CertificateAuthority } from '../../../../../test/support/certificates.js';
import { describeWithHaproxy } from '../haproxy.test-support.js';
import type { CertificateEntry } from './certificate-files.js';
import { bundle, CertificateRig, makePem } from './certificates.test-support.js';
import { runPayloadCommand } from './payload-command.js';
import { ServedCertificates } from './served-certificates.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describeWithHaproxy('certificates HAProxy tells little of', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-served-'));
  let leaf: string;
  /** Certificates of two authorities of one name. */
  let above: string;
  let renewed: string;
  let key: string;
  let rig: CertificateRig;
  let certificates: ServedCertificates;

  beforeAll(() => {
    const authority = new CertificateAuthority(join(folder, 'one'));
    const [cert = '', privateKey = ''] = blocksOf(authority.issuePem('shop', ['shop.test']));
    [leaf, key] = [cert, privateKey];
    above = firstOf(makePem('Authority'));
    renewed = firstOf(makePem('Authority'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    rig = new CertificateRig();
    certificates = new ServedCertificates(rig);
  });
  afterEach(() => rig.destroy());

  /** Writes them, and brings HAProxy to them. */
  const follow = async (...entries: readonly CertificateEntry[]) => {
    await rig.write(entries);
    return certificates.sync(entries, { isOnDisk: true });
  };
  const withChain = (...chain: readonly string[]): CertificateEntry =>
    rig.entry('shop', [leaf, ...chain, key].join('\n'));
  /** Above what the runtime API takes. */
  const large = (text: string): CertificateEntry =>
    rig.entry('shop', [text, ...Array.from({ length: 40 }, () => above)].join('\n'));
  const chainShown = (): readonly string[] => rig.shownChain('shop.test').map(plain);

  it('are replaced when only the chain has changed', async () => {
    await rig.write([withChain(above)]);
    await rig.start();
    await follow(withChain(above));
    expect(chainShown()).toEqual([leaf, above].map(plain));

    expect(await follow(withChain(renewed))).toMatchObject({ drift: 0, refused: [] });

    expect(chainShown()).toEqual([leaf, renewed].map(plain));
    expect((await follow(withChain(renewed))).replaced).toEqual([]);
  });

  it('are replaced when a chain changed while there was no router', async () => {
    await rig.write([withChain(above)]);
    await rig.start();

    await follow(withChain(renewed));

    expect(chainShown()).toEqual([leaf, renewed].map(plain));
  });

  it('are left alone when HAProxy has read them from their files', async () => {
    const first = withChain(above);
    await rig.write([first]);
    // HAProxy tells the second of its start.
    const before = new Date(Date.now() - 5_000);
    await utimes(first.file, before, before);
    await rig.start();

    expect((await follow(first)).replaced).toEqual([]);
    const next = withChain(renewed);
    await follow(next);
    await rig.start();
    expect((await follow(next)).replaced).toEqual([]);
    expect(chainShown()).toEqual([leaf, renewed].map(plain));
  });

  it('ask once for a reload when they are too large for the runtime API', async () => {
    await rig.write([withChain(above)]);
    await rig.start();
    await follow(withChain(above));
    const next = large(makePem('shop.test'));

    const first = await follow(next);
    expect(first).toMatchObject({ isReloadDue: true, refused: [{ needsReload: true }] });
    expect(await follow(next)).toMatchObject({ isReloadDue: false, refused: [{}] });
    await rig.start();

    expect(await follow(next)).toMatchObject({ isReloadDue: false, refused: [] });
    expect(await rig.served('shop.test')).toBe(next.fingerprint);
  });

  it('are replaced where only the port of an app uses them, with no list', async () => {
    const shop = rig.entry('shop', makePem('shop.test'));
    const idle = rig.entry('idle', makePem('idle.test'));
    await rig.write([shop, idle]);
    await rig.start(`crt ${shop.file}`);
    const next = rig.entry('shop', makePem('shop.test'));

    expect(await follow(next, idle)).toMatchObject({ replaced: [shop.file], added: [] });
    expect(await rig.served('shop.test')).toBe(next.fingerprint);
    const wide = large(makePem('shop.test'));
    expect(await follow(wide, idle)).toMatchObject({ isReloadDue: true });
  });

  it('are brought back, and counted, when somebody else has changed them', async () => {
    const shop = rig.entry('shop', makePem('shop.test'));
    const other = rig.entry('other', makePem('other.test'));
    await rig.write([shop, other]);
    await rig.start();
    expect((await follow(shop, other)).drift).toBe(0);
    const { pem } = bundle(makePem('shop.test'));

    await runPayloadCommand(rig.adminSocket, `set ssl cert ${shop.file}`, pem);
    await runPayloadCommand(rig.adminSocket, `commit ssl cert ${shop.file}`, undefined);
    await rig.run(`del ssl crt-list ${rig.certificateList} ${other.file}`);
    await expect(rig.served('other.test')).resolves.not.toBe(other.fingerprint);
    expect(await follow(shop, other)).toMatchObject({ drift: 2, refused: [] });

    expect(await rig.served('shop.test')).toBe(shop.fingerprint);
    expect(await rig.served('other.test')).toBe(other.fingerprint);
    expect((await follow(shop, other)).drift).toBe(0);
    // What is wanted no more, or for the first time, is no drift.
    expect((await follow(other)).drift).toBe(0);
    expect((await follow(shop, other)).drift).toBe(0);
  });
});

const blocksOf = (pem: string): readonly string[] =>
  pem.match(/-----BEGIN [A-Z ]+-----[^-]*-----END [A-Z ]+-----/g) ?? [];
const firstOf = (pem: string): string => blocksOf(pem)[0] ?? '';
const plain = (block: string): string => block.replace(/\s/g, '');
