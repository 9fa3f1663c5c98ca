import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority } from '../../../../test/support/certificates.js';
import { edgeFilesIn } from '../haproxy/edge-files.js';
import { EdgeCertificates, type EdgeCertificatesOptions } from './edge-certificates.js';

type Answer = Awaited<ReturnType<EdgeCertificatesOptions['client']['listCertificates']>>;
type Listed = NonNullable<Answer>[number];

/** What is written for HAProxy to start with. */
describe('certificates of the edge', () => {
  const authorityFolder = mkdtempSync(join(tmpdir(), 'pacer-edge-ca-'));
  let authority: CertificateAuthority;
  let one: string;
  let other: string;
  let folder: string;
  let own: string;
  let answer: Answer | Error;
  let certificates: EdgeCertificates;

  beforeAll(() => {
    authority = new CertificateAuthority(authorityFolder);
    one = authority.issuePem('one', ['shop.test']);
    other = authority.issuePem('other', ['shop.test']);
  });
  afterAll(() => rmSync(authorityFolder, { recursive: true }));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pacer-edge-certificates-'));
    own = join(folder, 'own');
    mkdirSync(own);
    answer = undefined;
    certificates = make();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const make = (directory: string | undefined = own): EdgeCertificates =>
    new EdgeCertificates({
      files: edgeFilesIn(join(folder, 'haproxy')),
      client: {
        listCertificates: async () => {
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
      onDefault: () => undefined,
      ...(directory !== undefined && { directory }),
    });
  const put = (name: string, text: string): void => writeFileSync(join(own, `${name}.pem`), text);
  const uploaded = (name: string, pem?: string): Listed => ({
    ...{ name, hosts: [], issuer: 'CN=ca', fingerprint: 'AB' },
    ...{ notBefore: '2026-01-01T00:00:00Z', notAfter: '2027-01-01T00:00:00Z' },
    ...(pem !== undefined && { pem }),
  });
  const files = () => edgeFilesIn(join(folder, 'haproxy'));
  const written = (): readonly string[] =>
    readdirSync(files().certificates).filter((name) => name.endsWith('.pem'));
  const textOf = (name: string): Promise<string> =>
    readFile(join(files().certificates, `${name}.pem`), 'utf8');

  describe('in a folder', () => {
    it.each([
      ['nothing yet', () => ''],
      ['half of the certificate', () => other.slice(0, 300)],
      ['no key yet', () => other.slice(0, other.indexOf('-----BEGIN PRIVATE'))],
      ['half of the chain', () => `${other}${one.slice(0, 300)}`],
    ])(
      'with %s in its file, the last whole form is served, and the file named',
      async (_, text) => {
        put('shop', one);
        await certificates.start();

        put('shop', text());
        const problems = await certificates.refresh();

        expect(await textOf('shop')).toBe(one);
        expect(problems).toEqual([expect.stringContaining(join(own, 'shop.pem'))]);
        expect(problems[0]).toContain('the one before is served on');
        put('shop', other);
        expect(await certificates.refresh()).toEqual([]);
        expect(await textOf('shop')).toBe(other);
      },
    );

    it('is served in its last whole form by a router that finds half of it at its start', async () => {
      put('shop', one);
      await certificates.start();
      put('shop', one.slice(0, 300));

      certificates = make();
      const problems = await certificates.start();

      expect(problems).toEqual([expect.stringContaining(join(own, 'shop.pem'))]);
      expect(await textOf('shop')).toBe(one);
    });

    it('is left out when it never was whole, and taken away with its file', async () => {
      put('shop', 'rubbish');
      put('gone', one);
      expect(await certificates.start()).toEqual([expect.stringContaining('it is left out')]);
      expect(written()).toEqual(['gone.pem']);

      rmSync(join(own, 'gone.pem'));
      await certificates.refresh();

      expect(written()).toEqual([]);
    });

    it('stays as it is while the folder cannot be read', async () => {
      put('shop', one);
      await certificates.start();
      rmSync(own, { recursive: true });

      const problems = await certificates.refresh();

      expect(problems).toEqual([expect.stringContaining(own)]);
      expect(written()).toEqual(['shop.pem']);
    });
  });
});
