/** One step of a reservation; refinements are stacked, outermost role first. */
export interface Reservation {
  /** STATIC: given with the agent; DYNAMIC: made by RESERVE, undone by UNRESERVE. */
  readonly type: 'STATIC' | 'DYNAMIC';
  readonly role: string;
  readonly principal?: string;
  readonly labels?: readonly { readonly key: string; readonly value?: string }[];
}

/** A persistent volume on reserved disk. */
export interface PersistentVolume {
  readonly id: string;
  /** Where it appears in the task's sandbox: a relative path. */
  readonly containerPath: string;
  readonly mode: 'RO' | 'RW';
  readonly principal?: string;
}

/** What tells two amounts of one name apart: they are not added up, and one does not stand in for the other. */
export interface ResourceTraits {
  /** Empty: unreserved. */
  readonly reservations: readonly Reservation[];
  readonly volume?: PersistentVolume;
  /** May be taken back at any time (oversubscribed). */
  readonly isRevocable: boolean;
}

/** Plain: unreserved, no volume, not revocable. */
export const plainTraits: ResourceTraits = { reservations: [], isRevocable: false };

/**
 * The key under which an amount stands in `Resources`: the name alone when it is plain, else the name and its
 * traits in one canonical text. So the arithmetic of resources needs to know nothing of reservations. Names do not
 * contain `{` (checked where messages are read).
 */
export function resourceKey(name: string, traits: ResourceTraits): string {
  const { reservations, volume, isRevocable } = traits;
  if (reservations.length === 0 && volume === undefined && !isRevocable) return name;
  const text = JSON.stringify({
    reservations: reservations.map(({ type, role, principal, labels }) => ({
      type,
      role,
      principal,
      labels: labels?.map(({ key, value }) => ({ key, value })),
    })),
    volume: volume && {
      id: volume.id,
      containerPath: volume.containerPath,
      mode: volume.mode,
      principal: volume.principal,
    },
    isRevocable,
  });
  return name + text;
}

/** The name in a key: `cpus`. */
export function nameOfKey(key: string): string {
  const end = key.indexOf('{');
  return end < 0 ? key : key.slice(0, end);
}

/** What {@link resourceKey} put in. Remembers what it has read; O(1) but for the first time. */
export function traitsOfKey(key: string): ResourceTraits {
  const start = key.indexOf('{');
  if (start < 0) return plainTraits;
  const known = read.get(key);
  if (known !== undefined) return known;
  // Only resourceKey makes keys with a brace.
  const traits = JSON.parse(key.slice(start)) as ResourceTraits;
  if (read.size >= MAX_READ) read.clear();
  read.set(key, traits);
  return traits;
}

const MAX_READ = 10_000;
const read = new Map<string, ResourceTraits>();

/** The role an amount is reserved to, the innermost one; undefined when unreserved. */
export const reservedRole = (key: string): string | undefined =>
  traitsOfKey(key).reservations.at(-1)?.role;

/** `cpus`, `cpus(eng/dev)`, `disk(db)[v1:data]`, `cpus{REV}`: a key for people. */
export function formatKey(key: string): string {
  const { reservations, volume, isRevocable } = traitsOfKey(key);
  const role = reservations.at(-1)?.role;
  return [
    nameOfKey(key),
    role === undefined ? '' : `(${role})`,
    volume === undefined ? '' : `[${volume.id}:${volume.containerPath}]`,
    isRevocable ? '{REV}' : '',
  ].join('');
}
