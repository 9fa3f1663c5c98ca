import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { StoredCertificate } from '#core';

/** Certificate, chain and key together, characters. */
export const MAX_PEM_CHARS = 64 * 1024;
const MAX_CHAIN = 10;
const MAX_HOSTS = 1_000;
const MIN_RSA_BITS = 2_048;
const DAY_MS = 24 * 3600 * 1000;
/** Certificates that end sooner are warned of. */
const SOON_DAYS = 14;

export interface GivenCertificate {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
}

export type CertificateReading =
  | {
      readonly ok: true;
      readonly certificate: StoredCertificate;
      readonly warnings: readonly string[];
    }
  /** `field` is of the request; the reason holds nothing of the key. */
  | { readonly ok: false; readonly field: 'certificate' | 'key'; readonly reason: string };

type Refused = Extract<CertificateReading, { readonly ok: false }>;
type Parsed<Value> = { readonly ok: true; readonly value: Value } | Refused;

const refuse = (field: Refused['field'], reason: string): Refused => ({ ok: false, field, reason });

/** Checks that a chain and a key belong together and can be served; what has ended, or soon will, is a warning. */
export function readCertificate(given: GivenCertificate, nowEpochMs: number): CertificateReading {
  const size = given.certificate.length + given.key.length;
  if (size > MAX_PEM_CHARS) {
    return refuse(
      'certificate',
      `certificate and key have ${size} characters; at most ${MAX_PEM_CHARS} are allowed`,
    );
  }
  const chain = readChain(given.certificate);
  if (!chain.ok) return chain;
  const key = readKey(given.key);
  if (!key.ok) return key;
  const [own] = chain.value;
  if (own === undefined) return refuse('certificate', 'it holds no certificate');
  const mismatch = findMismatch(chain.value, key.value);
  if (mismatch !== undefined) return mismatch;
  const hosts = hostsOf(own);
  const certificate: StoredCertificate = {
    name: given.name,
    hosts,
    issuer: inOneLine(own.issuer),
    notBeforeEpochMs: Date.parse(own.validFrom),
    notAfterEpochMs: Date.parse(own.validTo),
    fingerprint: own.fingerprint256,
    pem: `${chain.value.map(String).join('')}${key.value.export({ type: 'pkcs8', format: 'pem' })}`,
  };
  return { ok: true, certificate, warnings: warn(certificate, key.value, nowEpochMs) };
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function readChain(text: string): Parsed<readonly X509Certificate[]> {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return refuse('certificate', 'it holds a private key, which belongs into the field key');
  }
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) {
    return refuse('certificate', 'it holds no PEM certificate (-----BEGIN CERTIFICATE-----)');
  }
  if (blocks.length > MAX_CHAIN) {
    return refuse(
      'certificate',
      `it holds ${blocks.length} certificates; at most ${MAX_CHAIN} are allowed`,
    );
  }
  const chain: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    const which = `certificate ${index + 1} of ${blocks.length}`;
    const certificate = parseCertificate(block);
    if (certificate === undefined) return refuse('certificate', `${which} cannot be read`);
    const lost = findLostDate(certificate);
    if (lost !== undefined) {
      const subject = subjectOf(certificate);
      return refuse('certificate', `${which} (${subject}) does not say when it ${lost}`);
    }
    chain.push(certificate);
  }
  return { ok: true, value: chain };
}

function parseCertificate(block: string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(block);
    // Keys are decoded when they are asked for: one of an unknown kind throws.
    return certificate.publicKey.type === 'public' ? certificate : undefined;
  } catch {
    return undefined;
  }
}

function readKey(text: string): Parsed<KeyObject> {
  if (/ENCRYPTED/.test(text)) {
    return refuse('key', 'it is encrypted with a passphrase; give it without one');
  }
  try {
    return { ok: true, value: createPrivateKey(text) };
  } catch {
    return refuse('key', 'it holds no private key in PEM that can be read');
  }
}

/** The server's own certificate comes first, then each issuer after what it issued. */
function findMismatch(chain: readonly X509Certificate[], key: KeyObject): Refused | undefined {
  const at = chain.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (at < 0) return refuse('key', 'it does not belong to the certificate');
  if (at > 0) {
    return refuse(
      'certificate',
      `the certificate of the key is number ${at + 1} of ${chain.length}; it has to come first, its issuers after it`,
    );
  }
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined) return undefined;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      return refuse(
        'certificate',
        `certificate ${index + 2} of ${chain.length} (${subjectOf(issuer)}) did not issue certificate ${index + 1} (${subjectOf(certificate)}); each has to be followed by its issuer`,
      );
    }
  }
  return undefined;
}

const subjectOf = ({ subject }: X509Certificate): string =>
  inOneLine(subject).slice(0, 200) || 'without a subject';

/** Node's types have it that there always is one. */
const inOneLine = (name: string | undefined): string => (name ?? '').replaceAll('\n', ', ');

/** When what is signed says nothing a date can be made of. */
function findLostDate(certificate: X509Certificate): string | undefined {
  if (Number.isNaN(Date.parse(certificate.validFrom))) return 'begins';
  return Number.isNaN(Date.parse(certificate.validTo)) ? 'ends' : undefined;
}

const HOST = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?$/;

/** Of the alternative names, else the common name. Names that are written in quotes are no host names. */
function hostsOf(certificate: X509Certificate): readonly string[] {
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .flatMap((entry) => /^(?:DNS|IP Address):([^"]+)$/.exec(entry)?.[1] ?? []);
  const [, common] = /^CN=(.+)$/m.exec(certificate.subject ?? '') ?? [];
  const given = names.length > 0 ? names : common === undefined ? [] : [common];
  const hosts = given.map((name) => name.trim().toLowerCase());
  const usable = hosts.filter((host) => HOST.test(host) || host.includes(':'));
  return [...new Set(usable)].slice(0, MAX_HOSTS);
}

function warn(
  { name, hosts, notBeforeEpochMs, notAfterEpochMs }: StoredCertificate,
  key: KeyObject,
  nowEpochMs: number,
): readonly string[] {
  const warnings: string[] = [];
  const daysLeft = (notAfterEpochMs - nowEpochMs) / DAY_MS;
  const ends = new Date(notAfterEpochMs).toISOString();
  if (daysLeft <= 0) warnings.push(`certificate ${name} has expired on ${ends}`);
  else if (daysLeft < SOON_DAYS) warnings.push(`certificate ${name} expires on ${ends}`);
  if (notBeforeEpochMs > nowEpochMs) {
    warnings.push(
      `certificate ${name} is not valid before ${new Date(notBeforeEpochMs).toISOString()}`,
    );
  }
  if (hosts.length === 0) warnings.push(`certificate ${name} is for no host: no request gets it`);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < MIN_RSA_BITS) {
    warnings.push(
      `the RSA key of certificate ${name} has ${bits} bits; many clients refuse less than ${MIN_RSA_BITS}`,
    );
  }
  return warnings;
}
