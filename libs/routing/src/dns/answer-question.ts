import { isInDomain } from './dns-name.js';
import type { DnsRecord, DnsRecordType, SoaData } from './dns-record.js';
import type { DnsZone } from './dns-zone.js';
import { sampleRecords } from './sample-records.js';

/** The question, its name in lower case and without a dot at the end. */
export interface DnsQuestion {
  readonly name: string;
  /** Upper case, such as `A`, `ANY`, `MX`. */
  readonly type: string;
}

/** What the zone has authority for, and how it says so. */
export interface DnsAuthority {
  /** Domains that are answered in full; none within another. */
  readonly domains: readonly string[];
  readonly serial: number;
  /** How long records may be remembered, seconds. */
  readonly ttlSeconds: number;
  /** The same for "there is none". */
  readonly negativeTtlSeconds: number;
}

export interface AnswerLimits {
  /** Most records of a set in one answer; chance decides which. */
  readonly maxRecords: number;
  /** From 0 (included) to 1, as `Math.random`. */
  readonly random: () => number;
}

/** What to answer; `foreign`: the name is none of ours. */
export type DnsAnswer =
  | { readonly kind: 'foreign' }
  | {
      readonly kind: 'answer';
      readonly code: 'NOERROR' | 'NXDOMAIN';
      readonly answers: readonly DnsRecord[];
      readonly authorities: readonly DnsRecord[];
      readonly additionals: readonly DnsRecord[];
      /** Of all records in it. */
      readonly ttlSeconds: number;
    };

/** Seconds between looks of secondaries, of which there are none. */
const REFRESH_SECONDS = 60;
const EXPIRE_SECONDS = 3_600;

/**
 * Answers with authority. A name that is neither there nor above one that is: NXDOMAIN; a name without records of the type:
 * no records; both with the SOA record that says for how long. `ANY` gets one set (RFC 8482). O(records answered).
 */
export function answerQuestion(
  zone: DnsZone,
  question: DnsQuestion,
  options: { readonly authority: DnsAuthority; readonly limits: AnswerLimits },
): DnsAnswer {
  const { authority, limits } = options;
  const { name, type } = question;
  const apex = apexOf(zone, name, authority);
  if (apex === undefined) return { kind: 'foreign' };
  const soa: DnsRecord = { name: apex, type: 'SOA', data: soaOf(apex, authority) };
  const answers = type === 'SOA' && name === apex ? [soa] : recordsFor(zone, question, limits);
  if (answers.length > 0) {
    const additionals = glueOf(zone, answers, limits);
    const { ttlSeconds } = authority;
    return { kind: 'answer', code: 'NOERROR', answers, authorities: [], additionals, ttlSeconds };
  }
  return {
    kind: 'answer',
    code: zone.has(name) || name === apex ? 'NOERROR' : 'NXDOMAIN',
    answers: [],
    authorities: [soa],
    additionals: [],
    ttlSeconds: authority.negativeTtlSeconds,
  };
}

/** The SOA record's data for a domain, whose name server is `ns.<first domain>`. */
export const soaOf = (apex: string, authority: DnsAuthority): SoaData => ({
  mname: nameServerOf(authority),
  rname: `hostmaster.${authority.domains[0] ?? apex}`,
  serial: authority.serial,
  refresh: REFRESH_SECONDS,
  retry: REFRESH_SECONDS,
  expire: EXPIRE_SECONDS,
  minimum: authority.negativeTtlSeconds,
});

/** The name of the server itself. */
export const nameServerOf = ({ domains }: Pick<DnsAuthority, 'domains'>): string =>
  `ns.${domains[0] ?? ''}`;

/** Of reverse names we have only those of our addresses, each for itself. */
function apexOf(zone: DnsZone, name: string, { domains }: DnsAuthority): string | undefined {
  const domain = domains.find((one) => isInDomain(name, one));
  if (domain !== undefined) return domain;
  return isReverse(name) && zone.setsOf(name).length > 0 ? name : undefined;
}

const isReverse = (name: string): boolean =>
  name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa');

function recordsFor(
  zone: DnsZone,
  { name, type }: DnsQuestion,
  limits: AnswerLimits,
): readonly DnsRecord[] {
  const set = zone.setsOf(name).find((one) => type === 'ANY' || one.type === type);
  return set === undefined ? [] : sampleRecords(set.records, limits);
}

/** The addresses of what SRV and NS records point to. */
function glueOf(
  zone: DnsZone,
  answers: readonly DnsRecord[],
  limits: AnswerLimits,
): readonly DnsRecord[] {
  const targets = new Set<string>();
  for (const answer of answers) {
    if (answer.type === 'SRV') targets.add(answer.data.target);
    if (answer.type === 'NS') targets.add(answer.data);
  }
  const glue: DnsRecord[] = [];
  for (const target of targets) {
    for (const type of GLUE_TYPES) glue.push(...sampleRecords(zone.find(target, type), limits));
  }
  return glue;
}

const GLUE_TYPES: readonly DnsRecordType[] = ['A', 'AAAA'];
