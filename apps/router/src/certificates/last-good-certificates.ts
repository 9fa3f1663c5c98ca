import { join } from 'node:path';
import { readCertificateBundle } from '../haproxy/certificates/certificate-bundle.js';
import type { CertificateEntry } from '../haproxy/certificates/certificate-files.js';
import { MAX_CERTIFICATES, type NamedPem } from './certificate-folder.js';

/** The one that answers for names without a certificate. */
export const DEFAULT_NAME = 'default';

/** What there is of one name. */
interface KnownCertificate {
  /** As it was read last, good or not. */
  readonly text: string;
  readonly reason?: string;
  /** The last that was good; undefined: none ever was. */
  readonly entry?: CertificateEntry;
}

/** The certificates of the edge by name, each in the last form that was good: a file may be read while it is written. */
export class LastGoodCertificates {
  private known: ReadonlyMap<string, KnownCertificate> = new Map();

  /** `directory`: where they are written for HAProxy. */
  constructor(private readonly directory: string) {}

  /** Takes these for all there are. Gives back what is wrong with them. */
  take(pems: readonly NamedPem[]): readonly string[] {
    const problems: string[] = [];
    const known = new Map<string, KnownCertificate>();
    for (const pem of pems) {
      if (known.size >= MAX_CERTIFICATES) {
        problems.push(`${pem.from}: there are ${pems.length}, and ${MAX_CERTIFICATES} are served`);
        break;
      }
      const one = this.judge(pem);
      known.set(pem.name, one);
      if (one.reason === undefined) continue;
      const instead = one.entry === undefined ? 'it is left out' : 'the one before is served on';
      problems.push(`${pem.from}: ${one.reason}; ${instead}`);
    }
    this.known = known;
    return problems;
  }

  /** The default one first, then by name: HAProxy takes the first that fits. */
  get entries(): readonly CertificateEntry[] {
    const entries = [...this.known].flatMap(([name, { entry }]) =>
      entry === undefined ? [] : [{ name, entry }],
    );
    return entries
      .sort(
        (left, right) =>
          Number(right.name === DEFAULT_NAME) - Number(left.name === DEFAULT_NAME) ||
          (left.name < right.name ? -1 : 1),
      )
      .map(({ entry }) => entry);
  }

  private judge({ name, pem: text }: NamedPem): KnownCertificate {
    const before = this.known.get(name);
    if (before?.text === text) return before;
    const read = readCertificateBundle(text);
    if (!read.ok)
      return { text, reason: read.reason, ...(before?.entry && { entry: before.entry }) };
    const { pem, fingerprint, digest } = read.bundle;
    const file = join(this.directory, `${name}.pem`);
    return { text, entry: { file, pem, fingerprint, digest, filters: [] } };
  }
}
