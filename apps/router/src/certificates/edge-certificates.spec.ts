import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority } from '../../../../test/support/certificates.js';
import { makePem } from '../haproxy/certificates/certificates.test-support.js';
import { edgeFilesIn } from '../haproxy/edge-files.js';
import { describeWithHaproxy } from '../haproxy/haproxy.test-support.js';
import { EdgeCertificates, type EdgeCertificatesOptions } from './edge-certificates.js';
import { LastGoodCertificates } from './last-good-certificates.js';

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
      onReload: () => undefined,
      onDrift: () => undefined,
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

    describeWithHaproxy('that HAProxy would not start with', () => {
      it('is left out, or served as it was before, and told', async () => {
        const weak = makePem('weak.test', ['rsa:1024']);
        for (let index = 0; index < 20; index += 1) put(`n${index}`, one);
        put('shop', one);
        put('weak', weak);
        const problems = await certificates.start();
        expect(problems).toEqual([
          expect.stringMatching(/weak\.pem: HAProxy refuses it: .*; it is left out$/),
        ]);
        expect(written()).toHaveLength(21);

        put('shop', makePem('shop.test', ['rsa:1024']));
        expect(await certificates.refresh()).toEqual([
          expect.stringMatching(/shop\.pem: HAProxy refuses it: .*; the one before is served on$/),
          expect.stringContaining('weak.pem'),
        ]);
        expect(await textOf('shop')).toBe(one);
      });
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

  describe('uploaded to the controller', () => {
    it('stay when the controller gives them without their keys, and that is said', async () => {
      answer = [uploaded('shop', one), uploaded('gone', one)];
      await certificates.start();
      expect(await certificates.refresh()).toEqual([]);

      answer = [uploaded('shop'), uploaded('fresh')];
      const problems = await certificates.refresh();

      expect(written()).toEqual(['shop.pem']);
      expect(await textOf('shop')).toBe(one);
      expect(problems).toEqual([
        expect.stringMatching(/certificate shop .*without its key; the one before is served on/),
        expect.stringMatching(/certificate fresh .*without its key; it is left out/),
      ]);
    });

    it('stay when the controller says it knows of no certificates, and that is said', async () => {
      answer = [uploaded('shop', one)];
      await certificates.start();
      await certificates.refresh();

      answer = undefined;
      expect(await certificates.refresh()).toEqual([expect.stringContaining('shop')]);
      certificates = make();
      await certificates.start();
      expect(await certificates.refresh()).toEqual([expect.stringContaining('shop')]);

      expect(written()).toEqual(['shop.pem']);
      answer = [];
      expect(await certificates.refresh()).toEqual([]);
      expect(written()).toEqual([]);
    });

    it('are those of before while the controller is away, of the folder only what is in it', async () => {
      answer = [uploaded('shop', one)];
      put('own', one);
      await certificates.start();
      await certificates.refresh();

      answer = new Error('nobody listens');
      rmSync(join(own, 'own.pem'));
      certificates = make();
      await certificates.start();
      const problems = await certificates.refresh();

      expect(problems).toEqual(['reading certificates: nobody listens']);
      expect(written()).toEqual(['shop.pem']);
    });

    it('are left out by a name that is none of a file', async () => {
      answer = [uploaded('../shop', one), uploaded('shop', one)];
      await certificates.start();

      expect(await certificates.refresh()).toEqual([expect.stringContaining('"../shop"')]);
      expect(written()).toEqual(['shop.pem']);
    });

    it('give way to one of the folder of the same name', async () => {
      answer = [uploaded('shop', one)];
      put('shop', other);
      await certificates.start();
      await certificates.refresh();

      expect(await textOf('shop')).toBe(other);
      rmSync(join(own, 'shop.pem'));
      await certificates.refresh();
      expect(await textOf('shop')).toBe(one);
    });
  });
});

it('are at most 1,000 of both kinds', async () => {
  const check = async () => ({ refused: new Map(), unjudged: new Set<string>() });
  const good = new LastGoodCertificates({ directory: '/run/certificates', check });
  const all = Array.from({ length: 1_001 }, (_, index) => ({
    ...{ name: `n${index}`, pem: '', from: `n${index}` },
  }));

  expect((await good.take(all)).at(-1)).toBe('n1000: there are 1001, and 1000 are served');
});

it('are judged later when HAProxy refuses too many at once', async () => {
  const pem = makePem('one.test');
  let isBusy = true;
  const good = new LastGoodCertificates({
    directory: '/run/certificates',
    check: async (entries) => ({
      refused: new Map(),
      unjudged: new Set(isBusy ? entries.map(({ digest }) => digest) : []),
    }),
  });
  const all = [{ name: 'one', pem, from: 'one.pem' }];

  expect(await good.take(all)).toEqual(['one.pem: it is not checked yet; it is left out']);
  isBusy = false;
  expect(await good.take(all)).toEqual([]);
  expect(good.entries).toHaveLength(1);
});
