import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { basicAuthorization } from '#platform';
import {
  CertificateAuthority,
  type CertificateFiles,
} from '../../../../test/support/certificates.js';
import { type ApiUnderTest, NOW_EPOCH_MS, startApi } from '../controller-api.test-support.js';
import { EngineHarness } from '../engine/engine-harness.test-support.js';
import { MAX_PEM_CHARS, readCertificate } from './read-certificate.js';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'pacer-certificates-'));
const authority = new CertificateAuthority(join(folder, 'ca'));
const textOf = ({ cert, key }: CertificateFiles) => ({
  certificate: readFileSync(cert, 'utf8'),
  key: readFileSync(key, 'utf8'),
});
const shop = textOf(authority.issue('shop'));
const other = textOf(authority.issue('other'));
const ca = readFileSync(authority.cert, 'utf8');
const validAt = Date.parse(new X509Certificate(shop.certificate).validFrom) + 1_000;

const fromPem = (pem: string) => ({
  label: /BEGIN (.+?)-----/.exec(pem)?.[1] ?? '',
  der: Buffer.from(pem.replace(/-----.+?-----/g, '').replace(/\s/g, ''), 'base64'),
});
const toPem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

/** The first or the second date of a certificate says month 99. */
function withBrokenTime(pem: string, index: 0 | 1): string {
  const { label, der } = fromPem(pem);
  const times = [...der.toString('latin1').matchAll(/\d{12}Z/g)];
  Buffer.from('99').copy(der, (times[index]?.index ?? 0) + 2);
  return toPem(label, der);
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('a certificate', () => {
  const read = (certificate: string, key: string, nowEpochMs = validAt) =>
    readCertificate({ name: 'shop', certificate, key }, nowEpochMs);
  const reason = (certificate: string, key: string): string => {
    const found = read(certificate, key);
    return found.ok ? 'accepted' : `${found.field}: ${found.reason}`;
  };

  it('is taken with its hosts and its chain, and kept as chain and key', () => {
    const found = read(`bag attributes\n${shop.certificate}\n${ca}`, shop.key);

    if (!found.ok) throw new Error(found.reason);
    const { pem, hosts, fingerprint } = found.certificate;
    expect(hosts).toEqual(['127.0.0.1', 'localhost']);
    expect(fingerprint).toBe(new X509Certificate(shop.certificate).fingerprint256);
    expect(pem.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(
      new X509Certificate(pem).checkPrivateKey(
        createPrivateKey(pem.slice(pem.indexOf('-----BEGIN PRIVATE'))),
      ),
    ).toBe(true);
    expect(pem).not.toContain('bag attributes');
    expect(found.warnings).toEqual([]);
  });

  it('is refused with the reason when it cannot be served', () => {
    const broken = shop.certificate.replace(/[A-Za-z0-9]{20}/, 'AAAAAAAAAAAAAAAAAAAA');

    expect(reason('nothing', shop.key)).toContain('certificate: it holds no PEM certificate');
    expect(reason(broken, shop.key)).toBe('certificate: certificate 1 of 1 cannot be read');
    expect(reason(shop.certificate, 'nothing')).toContain('key: it holds no private key');
    expect(reason(shop.certificate, other.key)).toBe('key: it does not belong to the certificate');
    expect(reason(shop.certificate + shop.key, shop.key)).toContain('belongs into the field key');
    expect(reason(shop.certificate, '-----BEGIN ENCRYPTED PRIVATE KEY-----')).toContain(
      'passphrase',
    );
    expect(reason(`${ca}${shop.certificate}`, shop.key)).toContain(
      'the certificate of the key is number 2 of 2; it has to come first',
    );
    expect(reason(`${shop.certificate}${other.certificate}`, shop.key)).toContain(
      'certificate 2 of 2 (CN=other) did not issue certificate 1 (CN=shop)',
    );
    expect(reason('x'.repeat(MAX_PEM_CHARS), shop.key)).toContain(`at most ${MAX_PEM_CHARS}`);
  });

  it('whose dates nobody can read is refused', () => {
    for (const [at, name] of [
      [0, 'begins'],
      [1, 'ends'],
    ] as const) {
      expect(reason(withBrokenTime(shop.certificate, at), shop.key)).toBe(
        `certificate: certificate 1 of 1 (CN=shop) does not say when it ${name}`,
      );
    }
  });

  it('without a name for its issuer is taken', () => {
    const files = { cert: join(folder, 'nameless.crt'), key: join(folder, 'nameless.key') };
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
        ...['-subj', '/', '-keyout', files.key, '-out', files.cert],
      ],
      { stdio: 'pipe' },
    );
    const nameless = textOf(files);

    expect(reason(nameless.certificate, nameless.key)).toBe('accepted');
  });

  it('with any byte of it, its issuer or its key changed is taken or refused, and nothing else', () => {
    const files = [shop.certificate, ca, shop.key].map(fromPem);
    fc.assert(
      fc.property(
        fc.nat({ max: 2 }),
        fc.nat({ max: 2_000 }),
        fc.nat({ max: 255 }),
        (which, at, byte) => {
          const [own, issuer, key] = files.map(({ label, der }, index) => {
            const changed = Buffer.from(der);
            if (index === which) changed[at % changed.length] = byte;
            return toPem(label, changed);
          });

          const found = read(`${own}${issuer}`, key ?? '');

          if (!found.ok) return found.reason !== '';
          return Number.isFinite(found.certificate.notAfterEpochMs);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('that has expired, or soon will, is taken with a warning', () => {
    const expired = read(shop.certificate, shop.key, validAt + 40 * 24 * 3600 * 1000);
    const ending = read(shop.certificate, shop.key, validAt + 20 * 24 * 3600 * 1000);

    expect(expired).toMatchObject({ ok: true, warnings: [expect.stringContaining('has expired')] });
    expect(ending).toMatchObject({ ok: true, warnings: [expect.stringContaining('expires on')] });
  });
});

describe('/v2/certificates', () => {
  let api: ApiUnderTest;
  const ops = basicAuthorization({ principal: 'ops', secret: 'ops-secret' });
  const olga = basicAuthorization({ principal: 'olga', secret: 'olga-secret' });
  beforeAll(async () => {
    const file = join(folder, 'credentials');
    writeFileSync(file, 'ops ops-secret operator\nolga olga-secret read\n', { mode: 0o600 });
    vi.stubEnv('PACER_CREDENTIALS_FILE', file);
    api = await startApi();
  });
  afterAll(async () => {
    await api.daemon.close();
    vi.unstubAllEnvs();
  });
  const ask = (who: object, method: string, url: string, body?: object) =>
    api.inject({
      method: method as 'GET',
      url,
      headers: {
        host: 'localhost',
        ...who,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });

  it('takes certificates, lists them without keys, and gives keys to routers only', async () => {
    const created = await ask(ops, 'PUT', '/v2/certificates/shop', shop);
    const again = await ask(ops, 'PUT', '/v2/certificates/shop', shop);
    const list = await ask(olga, 'GET', '/v2/certificates');
    const whole = await ask(ops, 'GET', '/v2/certificates?embed=certificates.pem');
    const refused = await ask(olga, 'GET', '/v2/certificates?embed=certificates.pem');

    expect([created.statusCode, again.statusCode]).toEqual([201, 200]);
    expect(created.body + list.body).not.toContain('PRIVATE');
    expect(list.json().certificates).toMatchObject([
      { name: 'shop', hosts: ['127.0.0.1', 'localhost'], fingerprint: expect.any(String) },
    ]);
    expect(whole.headers['cache-control']).toBe('no-store');
    expect(whole.json().certificates[0]).toMatchObject({
      name: 'shop',
      notAfter: expect.any(String),
      pem: expect.stringContaining('PRIVATE KEY'),
    });
    expect(refused.statusCode).toBe(403);
    expect(refused.body).not.toContain('PRIVATE');
  });

  it('refuses what cannot be served by field, without a word of the key', async () => {
    const url = '/v2/certificates/shop';
    const mixed = await ask(ops, 'PUT', url, { ...shop, key: other.key });
    const missing = await ask(ops, 'PUT', url, { certificate: shop.certificate });
    const dateless = await ask(ops, 'PUT', url, {
      ...shop,
      certificate: withBrokenTime(shop.certificate, 1),
    });
    const badName = await ask(ops, 'PUT', '/v2/certificates/.hidden', shop);
    const byReader = await ask(olga, 'PUT', url, shop);

    expect(mixed.statusCode).toBe(422);
    expect(mixed.json().details).toEqual([
      { path: '/key', errors: ['it does not belong to the certificate'] },
    ]);
    expect(dateless.statusCode).toBe(422);
    expect(dateless.json().details[0].path).toBe('/certificate');
    expect(missing.json().details[0]).toEqual({ path: '/key', errors: ['must be a text in PEM'] });
    expect([badName.statusCode, byReader.statusCode]).toEqual([422, 403]);
  });

  it('removes them', async () => {
    const removed = await ask(ops, 'DELETE', '/v2/certificates/shop');
    const again = await ask(ops, 'DELETE', '/v2/certificates/shop');

    expect([removed.statusCode, again.statusCode]).toEqual([200, 404]);
    expect((await ask(ops, 'GET', '/v2/certificates')).json()).toEqual({ certificates: [] });
  });
});

it('certificates are stored before they are shown, told without their key, and survive the controller', async () => {
  const harness = new EngineHarness();
  await harness.start();
  const read = readCertificate({ name: 'shop', ...shop }, NOW_EPOCH_MS);
  if (!read.ok) throw new Error(read.reason);

  const outcomes = [
    await harness.engine.putCertificate(read.certificate),
    await harness.engine.putCertificate(read.certificate),
    await harness.engine.putCertificate({ ...read.certificate, name: 'copy' }),
  ];
  await harness.engine.deleteCertificate('copy');
  harness.crash();
  await harness.start();

  const told = harness.events.filter(({ type }) => type === 'certificate_changed_event');
  expect(outcomes).toEqual(['created', 'same', 'created']);
  expect(harness.engine.view.certificates()).toEqual([read.certificate]);
  expect(told.map(({ payload }) => JSON.parse(payload))).toMatchObject([
    { name: 'shop', deleted: false },
    { name: 'copy', deleted: false },
    { name: 'copy', deleted: true },
  ]);
  expect(told.map(({ payload }) => payload).join()).not.toContain('PRIVATE');
});
