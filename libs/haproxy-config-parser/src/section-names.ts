import { isCertainlySince, isSince } from './haproxy-version.js';
import type { DiagnosticCode } from './model.js';
import type { SectionHeader } from './section-header.js';
import { PROXY_ABILITIES, SECTION_NAME, SECTION_RULES } from './section-keywords.js';

/** Something wrong with a section's name or with the defaults it refers to. */
export interface NameFinding {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

interface Place {
  readonly line: number;
  /** False when it depends on an unknown fact whether this section is read. */
  readonly isCertain: boolean;
}

interface Entry extends Place {
  readonly kind: string;
}

interface DefaultsEntry extends Place {
  readonly name: string | undefined;
  explicitUse: number;
  implicitUse: number;
  /** A header read for certain names it. */
  isReferred: boolean;
}

/** Sinks HAProxy makes itself; a ring cannot have their names. */
const BUILT_IN_SINKS: readonly string[] = ['stdout', 'stderr', 'buf0'];

/** The names of the sections read so far, by HAProxy's rules: one registry for each file, filled in file order. */
export class SectionNames {
  private readonly taken = new Map<string, Entry>(
    BUILT_IN_SINKS.map((name) => [
      `ring ${name}`,
      { kind: 'built-in sink', line: 0, isCertain: true },
    ]),
  );
  private readonly defaults = new Map<string, DefaultsEntry[]>();
  private latest: DefaultsEntry | undefined;

  /** `version`: of the HAProxy that reads them; undefined: not known. */
  constructor(private readonly version: string | undefined) {}

  /** Registers a section and tells what is wrong with it. */
  add(header: SectionHeader, place: Place): readonly NameFinding[] {
    const { kind, name } = header;
    const found: NameFinding[] = [];
    if (name !== undefined) this.claim({ kind, name }, place, found);
    const isProxy = kind === 'frontend' || kind === 'backend' || kind === 'listen';
    if (header.from !== undefined) this.refer(header.from, { header, place }, found);
    else if (isProxy) this.inherit(found);
    if (kind === 'defaults') {
      this.latest = { ...place, name, explicitUse: 0, implicitUse: 0, isReferred: false };
      const twins = this.defaults.get(name ?? '') ?? [];
      if (name !== undefined) {
        this.replace(name, twins, found);
        twins.push(this.latest);
        this.defaults.set(name, twins);
      }
    }
    return found;
  }

  private claim(
    { kind, name }: { readonly kind: string; readonly name: string },
    place: Place,
    found: NameFinding[],
  ): void {
    const abilities = PROXY_ABILITIES[kind];
    const repeated = abilities === undefined ? SECTION_RULES.get(kind)?.repeated : 'error';
    if (repeated === undefined || repeated === 'allowed') return;
    const keys = abilities?.map((ability) => `${ability} ${name}`) ?? [`${kind} ${name}`];
    const other = keys.map((key) => this.taken.get(key)).find((entry) => entry !== undefined);
    // Before 3.2 a listen may have the name of a backend.
    const isOverlooked = kind === 'listen' && other?.kind === 'backend';
    if (other !== undefined && !(isOverlooked && !isSince(this.version, '3.2'))) {
      const where = other.line === 0 ? `a ${other.kind}` : `${other.kind} on line ${other.line}`;
      const isRefused = !isOverlooked || isCertainlySince(this.version, '3.2');
      const isCertain = repeated === 'error' && other.isCertain && isRefused;
      found.push({
        code: 'duplicate-name',
        severity: isCertain ? 'error' : 'warning',
        message: `${kind} "${name}" has the name of ${where}`,
      });
    }
    for (const key of keys) {
      const earlier = this.taken.get(key);
      if (earlier === undefined || (!earlier.isCertain && place.isCertain)) {
        this.taken.set(key, { kind, ...place });
      }
    }
  }

  /** Since 3.2, defaults that were referred to cannot be there once more. */
  private replace(name: string, twins: readonly DefaultsEntry[], found: NameFinding[]): void {
    const referred = twins.find(({ isReferred }) => isReferred);
    if (referred === undefined || !isCertainlySince(this.version, '3.2')) return;
    const message = `defaults "${name}" has the name of defaults on line ${referred.line}, which a section before refers to`;
    found.push({ code: 'duplicate-name', severity: 'error', message });
  }

  private refer(
    from: string,
    { header, place }: { readonly header: SectionHeader; readonly place: Place },
    found: NameFinding[],
  ): void {
    const all = this.defaults.get(from) ?? [];
    const certain = all.filter(({ isCertain }) => isCertain);
    const [entry] = all;
    if (entry?.isCertain && place.isCertain) entry.isReferred = true;
    const who = `${header.kind} ${header.name === undefined ? '' : `"${header.name}"`}`.trim();
    if (entry === undefined) {
      const message = `${who} refers to defaults "${from}", which is not there before it`;
      found.push({ code: 'unknown-defaults', severity: 'error', message });
    } else if (all.length > 1) {
      const lines = all.map(({ line }) => line).join(', ');
      const message = `${who} refers to defaults "${from}", which is there more than once, on lines ${lines}`;
      const severity = certain.length > 1 ? 'error' : 'warning';
      found.push({ code: 'ambiguous-defaults', severity, message });
    } else if (!SECTION_NAME.test(from)) {
      const message = `defaults "${from}" on line ${entry.line} cannot be referred to: its name may hold only letters, digits, and - _ . :`;
      found.push({ code: 'invalid-name', severity: 'error', message });
    } else if (header.kind !== 'defaults') {
      entry.explicitUse++;
      if (entry.implicitUse > 0) found.push(mixed(entry));
    }
  }

  private inherit(found: NameFinding[]): void {
    const entry = this.latest;
    if (entry === undefined) return;
    entry.implicitUse++;
    if (entry.explicitUse > 0) found.push(mixed(entry));
  }
}

function mixed(entry: DefaultsEntry): NameFinding {
  const message = `defaults "${entry.name ?? ''}" of line ${entry.line} is used with "from" and without: HAProxy warns of that`;
  return { code: 'mixed-defaults', severity: 'warning', message };
}
