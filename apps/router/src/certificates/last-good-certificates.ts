import { join } from 'node:path';
import { readCertificateBundle } from '../haproxy/certificates/certificate-bundle.js';
import type { CertificateVerdicts } from '../haproxy/certificates/certificate-check.js';
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

  constructor(
    private readonly options: {
      /** Where they are written for HAProxy. */
      readonly directory: string;
      /** Asks HAProxy about those that seem good. */
      readonly check: (entries: readonly CertificateEntry[]) => Promise<CertificateVerdicts>;
    },
  ) {}

  /** Takes these for all there are. Gives back what is wrong with them. */
  async take(pems: readonly NamedPem[]): Promise<readonly string[]> {
    const known = new Map<string, KnownCertificate>();
    const taken = pems.slice(0, MAX_CERTIFICATES);
    for (const pem of taken) known.set(pem.name, this.judge(pem));
    const problems: string[] = [];
    await this.check(known);
    for (const { name, from } of taken) {
      const { reason, entry } = known.get(name) ?? {};
      if (reason === undefined) continue;
      const instead = entry === undefined ? 'it is left out' : 'the one before is served on';
      problems.push(`${from}: ${reason}; ${instead}`);
    }
    this.known = known;
    const [left] = pems.slice(MAX_CERTIFICATES);
    if (left !== undefined) {
      problems.push(`${left.from}: there are ${pems.length}, and ${MAX_CERTIFICATES} are served`);
    }
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
    if (!read.ok) return refusal(text, read.reason, before);
    const { pem, fingerprint, digest } = read.bundle;
    if (before?.entry?.digest === digest) return { text, entry: before.entry };
    const file = join(this.options.directory, `${name}.pem`);
    return { text, entry: { file, pem, fingerprint, digest, filters: [] } };
  }

  /** Puts the forms of before in the place of those that HAProxy refuses. */
  private async check(known: Map<string, KnownCertificate>): Promise<void> {
    const fresh = [...known].flatMap(([name, { entry }]) => {
      const isNew = entry !== undefined && entry !== this.known.get(name)?.entry;
      return isNew ? [{ name, entry }] : [];
    });
    if (fresh.length === 0) return;
    const { refused, unjudged } = await this.options.check(fresh.map(({ entry }) => entry));
    for (const { name, entry } of fresh) {
      const reason = refused.get(entry.digest);
      const text = known.get(name)?.text ?? '';
      const before = this.known.get(name);
      if (reason !== undefined) known.set(name, refusal(text, reason, before));
      // Another text than any: it is judged with the next look.
      if (unjudged.has(entry.digest)) known.set(name, refusal('', 'it is not checked yet', before));
    }
  }
}

const refusal = (
  text: string,
  reason: string,
  before: KnownCertificate | undefined,
): KnownCertificate => ({ text, reason, ...(before?.entry && { entry: before.entry }) });
