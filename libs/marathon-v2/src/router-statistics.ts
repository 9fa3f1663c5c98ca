import type {
  WireBackendStatistics,
  WireRouterStatistics,
  WireServerStatistics,
} from './wire-router-statistics.js';

/** Of one report at most; more are left out. */
export const MAX_BACKENDS = 10_000;
export const MAX_SERVERS = 100_000;
/** Entries of each of the other lists. */
const MAX_ENTRIES = 1_000;
const MAX_NAME_CHARS = 512;
const MAX_TEXT_CHARS = 1_024;
/** What was left out is named so often. */
const MAX_NOTES = 20;

type Fields = Readonly<Record<string, unknown>>;
type Read<Value> = (value: unknown, path: string, reading: Reading) => Value | undefined;
type Shape<Value> = { readonly [Key in keyof Value]-?: Read<NonNullable<Value[Key]>> };

/** Owned by the reading of one report. */
interface Reading {
  readonly notes: string[];
  servers: number;
}

/**
 * Reads the statistics of a router's report. Undefined: they are of a version this controller does not know. What is
 * wrong or too much is left out and named in `notes`, never refused: on the rest of the report kills wait. O(size).
 */
export function readRouterStatistics(given: unknown): {
  readonly statistics: WireRouterStatistics | undefined;
  readonly notes: readonly string[];
} {
  if (given === undefined || given === null) return { statistics: undefined, notes: [] };
  if (!isFields(given)) {
    return { statistics: undefined, notes: ['statistics is not an object: left out'] };
  }
  if (given['version'] !== 1) return { statistics: undefined, notes: [] };
  const reading: Reading = { notes: [], servers: 0 };
  const fields = readFields(STATISTICS, given, 'statistics', reading);
  return { statistics: { version: 1, ...fields }, notes: reading.notes };
}

const amount: Read<number> = (value, path, reading) => {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  return leaveOut(reading, path, 'is not a number from 0');
};

const textOf =
  (maxChars: number): Read<string> =>
  (value, path, reading) => {
    if (typeof value !== 'string') return leaveOut(reading, path, 'is not a text');
    return value.length > maxChars ? value.slice(0, maxChars) : value;
  };

const name = textOf(MAX_NAME_CHARS);
const text = textOf(MAX_TEXT_CHARS);

const STATES = ['up', 'down', 'draining', 'maint', 'starting'] as const;

const state: Read<(typeof STATES)[number]> = (value, path, reading) =>
  STATES.find((known) => known === value) ??
  leaveOut(reading, path, `is none of ${STATES.join(', ')}`);

const SERVER: Shape<WireServerStatistics> = {
  taskId: name,
  state,
  sessions: amount,
  requestsPerSecond: amount,
  responseMs: amount,
  weight: amount,
  check: text,
};

const server: Read<WireServerStatistics> = (value, path, reading) => {
  reading.servers += 1;
  if (reading.servers > MAX_SERVERS) {
    return leaveOut(reading, path, `is beyond the first ${MAX_SERVERS} servers`);
  }
  return isFields(value)
    ? readFields(SERVER, value, path, reading)
    : leaveOut(reading, path, 'is not an object');
};

const TRAFFIC = {
  requestsPerSecond: amount,
  sessions: amount,
  queued: amount,
  responseMs: amount,
  connectMs: amount,
  errors5xx: amount,
  errorsConnect: amount,
  retries: amount,
  redispatches: amount,
  requests: amount,
};

const BACKEND: Shape<WireBackendStatistics> = {
  ...TRAFFIC,
  appId: name,
  portIndex: amount,
  up: amount,
  down: amount,
  draining: amount,
  servers: byName(server, MAX_SERVERS),
};

const UNSERVED = { appId: name, portIndex: amount, reason: text };

const STATISTICS: Shape<Omit<WireRouterStatistics, 'version'>> = {
  haproxy: object({
    version: name,
    pid: amount,
    uptimeSeconds: amount,
    workers: amount,
    oldWorkers: amount,
    memoryMib: amount,
    connections: amount,
    requestsPerSecond: amount,
  }),
  reloads: amount,
  runtimeChanges: amount,
  driftRepairs: amount,
  problems: listOf(object({ cause: text, message: text, appId: name })),
  leftOut: listOf(object(UNSERVED)),
  unsupported: listOf(object(UNSERVED)),
  frontends: listOf(
    object({
      name,
      requestsPerSecond: amount,
      sessions: amount,
      bytesIn: amount,
      bytesOut: amount,
      errors: amount,
    }),
  ),
  backends: byName(object(BACKEND), MAX_BACKENDS),
};

function object<Value>(shape: Shape<Value>): Read<Value> {
  return (value, path, reading) =>
    isFields(value)
      ? readFields(shape, value, path, reading)
      : leaveOut(reading, path, 'is not an object');
}

function listOf<Value>(read: Read<Value>): Read<readonly Value[]> {
  return (value, path, reading) => {
    if (!Array.isArray(value)) return leaveOut(reading, path, 'is not a list');
    if (value.length > MAX_ENTRIES) {
      leaveOut(
        reading,
        path,
        `has ${value.length} entries, of which the first ${MAX_ENTRIES} count`,
      );
    }
    return value
      .slice(0, MAX_ENTRIES)
      .flatMap((entry: unknown, index) => read(entry, `${path}[${index}]`, reading) ?? []);
  };
}

function byName<Value>(read: Read<Value>, max: number): Read<Readonly<Record<string, Value>>> {
  return (value, path, reading) => {
    if (!isFields(value)) return leaveOut(reading, path, 'is not an object');
    const entries = Object.entries(value);
    if (entries.length > max) {
      leaveOut(reading, path, `has ${entries.length} entries, of which the first ${max} count`);
    }
    const found = entries.slice(0, max).flatMap(([key, entry]): readonly [string, Value][] => {
      if (key.length > MAX_NAME_CHARS) return [];
      const one = read(entry, `${path}.${key}`, reading);
      return one === undefined ? [] : [[key, one]];
    });
    return Object.fromEntries(found);
  };
}

/** Absent and null are the same; what is not known is ignored. */
function readFields<Value>(
  shape: Shape<Value>,
  given: Fields,
  path: string,
  reading: Reading,
): Value {
  const read: Record<string, unknown> = {};
  for (const key in shape) {
    const value = Object.hasOwn(given, key) ? given[key] : undefined;
    if (value === undefined || value === null) continue;
    const taken = shape[key](value, `${path}.${key}`, reading);
    if (taken !== undefined) read[key] = taken;
  }
  // Each key holds what the reader of its name returned.
  return read as Value;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function leaveOut({ notes }: Reading, path: string, why: string): undefined {
  if (notes.length < MAX_NOTES) notes.push(`${path.slice(0, MAX_NAME_CHARS)} ${why}: left out`);
  return undefined;
}
