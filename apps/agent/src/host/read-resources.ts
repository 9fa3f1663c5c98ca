import { isRoleName } from '#cluster';
import type { WireResource } from '#mesos-v1';
import { readValue, type TextValue } from './read-value.js';

/** A resource as it was configured; without `role` it is the default role's. */
export interface ConfiguredResource {
  readonly name: string;
  readonly role?: string;
  readonly value: Extract<TextValue, { readonly type: 'SCALAR' | 'RANGES' }>;
}

const MAX_ENTRIES = 1_000;
const MAX_SCALAR = 1e12;
const MAX_NAME_CHARACTERS = 255;
const MAX_PORT = 65_535;
/** Scalars are counted in thousandths. */
const SMALLEST = 0.001;

/**
 * Reads Mesos' `cpus:4;mem(ads):1024;ports:[31000-31099, 31200]` or its JSON, a list of Resource objects. A role is that of a
 * static reservation. Throws what is wrong, naming the entry.
 */
export function readResources(text: string): readonly ConfiguredResource[] {
  const entries = text.trim().startsWith('[') ? readJson(text) : readText(text);
  if (entries.length > MAX_ENTRIES) {
    throw new Error(`has ${entries.length} entries, the limit is ${MAX_ENTRIES}`);
  }
  checkOwners(entries);
  return entries;
}

/** A role that can own resources: the `*` is nobody's. */
export function readRole(text: string): string {
  if (isRoleName(text)) return text;
  throw new Error('is not the name of a role');
}

/** A number of a range is one role's only; amounts add up. */
function checkOwners(entries: readonly ConfiguredResource[]): void {
  const seen: { readonly name: string; readonly begin: number; readonly end: number }[] = [];
  for (const { name, value } of entries) {
    for (const { begin, end } of value.type === 'RANGES' ? value.ranges.range : []) {
      const twice = seen.find((one) => one.name === name && one.begin <= end && begin <= one.end);
      if (twice !== undefined) {
        throw new Error(`has ${Math.max(begin, twice.begin)} of ${name} twice`);
      }
      seen.push({ name, begin, end });
    }
  }
}

const readText = (text: string): readonly ConfiguredResource[] =>
  text
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [, name, role, value] = /^([^:()]+?)\s*(?:\(([^()]*)\))?\s*:\s*(.+)$/.exec(entry) ?? [];
      if (name === undefined || value === undefined) {
        throw new Error(
          `has ${JSON.stringify(entry)}, which is not name:value or name(role):value`,
        );
      }
      return within(entry, () => toEntry(name, readValue(value), role?.trim()));
    });

function readJson(text: string): readonly ConfiguredResource[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new Error(`is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(list)) throw new Error('is not a list of resources');
  return list.map((entry: unknown) =>
    within(JSON.stringify(entry), () => {
      if (typeof entry !== 'object' || entry === null) throw new Error('is not an object');
      return fromWire(entry as Partial<WireResource>);
    }),
  );
}

const KNOWN = new Set(['name', 'type', 'scalar', 'ranges', 'role', 'reservations']);

function fromWire(entry: Partial<WireResource>): ConfiguredResource {
  const unknown = Object.keys(entry).find((field) => !KNOWN.has(field));
  if (unknown !== undefined) throw new Error(`has ${unknown}, which no agent can be started with`);
  const { name, type, scalar, ranges, role, reservations = [] } = entry;
  if (typeof name !== 'string') throw new Error('has no name');
  const [reservation, ...more] = reservations;
  if (more.length > 0 || (reservation?.type ?? 'STATIC') !== 'STATIC') {
    throw new Error('has a reservation that is not one STATIC one');
  }
  const owner = reservation?.role ?? role;
  if (owner !== undefined && typeof owner !== 'string')
    throw new Error('has a role that is no text');
  if (type === 'SCALAR' && typeof scalar?.value === 'number') {
    return toEntry(name, { type, scalar: { value: scalar.value } }, owner);
  }
  if (type === 'RANGES' && Array.isArray(ranges?.range)) {
    const range = ranges.range.map(({ begin, end }) => ({
      begin: Number(begin),
      end: Number(end),
    }));
    return toEntry(name, { type, ranges: { range } }, owner);
  }
  throw new Error('is neither a SCALAR with scalar.value nor RANGES with ranges.range');
}

function toEntry(given: string, value: TextValue, role: string | undefined): ConfiguredResource {
  const name = given.trim();
  // What is in braces would be taken for traits; `__proto__` is no ordinary key of an object.
  if (name.length > MAX_NAME_CHARACTERS || /[{}\s\p{Cc}]/u.test(name) || name === '__proto__') {
    throw new Error(`has the name ${JSON.stringify(name)}, which no resource can have`);
  }
  if (role !== undefined && !isRoleName(role)) {
    throw new Error(`has the role ${JSON.stringify(role)}, which is not the name of a role`);
  }
  if (name === 'gpus' && !(value.type === 'SCALAR' && Number.isInteger(value.scalar.value))) {
    throw new Error('is not a whole number of gpus');
  }
  const owned = role === undefined ? {} : { role };
  if (value.type === 'SCALAR') {
    const amount = value.scalar.value;
    if (!(amount >= 0 && amount <= MAX_SCALAR) || (amount > 0 && amount < SMALLEST)) {
      throw new Error(`is ${amount}, not 0 or within ${SMALLEST} and ${MAX_SCALAR}`);
    }
    if (name === 'ports') throw new Error('is not ranges: ports are [first-last, ...]');
    return { name, value, ...owned };
  }
  if (value.type === 'RANGES') {
    if (['cpus', 'mem', 'disk'].includes(name)) throw new Error(`is ranges: ${name} is a number`);
    checkRanges(name, value.ranges.range);
    return { name, value, ...owned };
  }
  const kind = value.type === 'SET' ? 'a set' : 'a text';
  throw new Error(`is ${kind}, which no agent can offer; only numbers and ranges are`);
}

function checkRanges(
  name: string,
  ranges: readonly { readonly begin: number; readonly end: number }[],
) {
  const [least, most] = name === 'ports' ? [1, MAX_PORT] : [0, Number.MAX_SAFE_INTEGER];
  for (const { begin, end } of ranges) {
    const isSound = Number.isInteger(begin) && Number.isInteger(end) && begin <= end;
    if (!isSound || begin < least || end > most) {
      throw new Error(`has the range ${begin}-${end}, not within ${least} and ${most}`);
    }
  }
}

/** What went wrong, with the entry it went wrong in. */
function within<Result>(entry: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new Error(`(entry ${entry.slice(0, 200)}) ${(error as Error).message}`);
  }
}
