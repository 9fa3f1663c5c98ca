import {
  addResources,
  containsResources,
  countInRanges,
  formatKey,
  nameOfKey,
  noResources,
  type Reservation,
  type Resources,
  type ResourceTraits,
  resourceKey,
  scalarMilli,
  selectResources,
  subtractResources,
  toMilli,
  traitsOfKey,
} from '#core';
import { decodeResources, type WireResource } from '#mesos-v1';
import { isRoleName } from './master-framework-info.js';
import { findIdDefect } from './master-validate-resources.js';

/**
 * What RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME and SHRINK_VOLUME make of resources: the amounts they take and
 * those they put in their place. Quantities by name never change.
 */
export type Conversion =
  | { readonly kind: 'converted'; readonly consumed: Resources; readonly converted: Resources }
  | { readonly kind: 'invalid'; readonly message: string };

/** Who asks, and for which role the resources were offered. An operator has no allocation role. */
export interface ConversionAsker {
  readonly principal?: string;
  readonly allocationRole?: string;
  /** RESERVATION_REFINEMENT: reservations may be stacked. */
  readonly mayRefine: boolean;
}

/** RESERVE: each resource is given as it is to be, with one dynamic reservation more than there is. */
export function planReserve(wire: readonly WireResource[], asker: ConversionAsker): Conversion {
  const problem = checkWire(wire) ?? firstProblem(wire, (key) => checkReserve(key, asker));
  if (problem !== undefined) return invalid(problem);
  const converted = decodeResources(wire);
  return balanced(mapKeys(converted, popReservation), converted);
}

/** UNRESERVE: takes the innermost reservation away; static ones stay. */
export function planUnreserve(wire: readonly WireResource[]): Conversion {
  const problem = checkWire(wire) ?? firstProblem(wire, checkUnreserve);
  if (problem !== undefined) return invalid(problem);
  const consumed = decodeResources(wire);
  return balanced(consumed, mapKeys(consumed, popReservation));
}

/** CREATE: reserved disk becomes a persistent volume. Ids are unique for each role on an agent. */
export function planCreate(
  wire: readonly WireResource[],
  asker: ConversionAsker,
  total: Resources,
): Conversion {
  const problem =
    checkWire(wire) ??
    firstProblem(wire, (key, one) => checkCreate(key, one, asker)) ??
    checkUniqueVolumes(wire, total);
  if (problem !== undefined) return invalid(problem);
  const converted = decodeResources(wire);
  return { kind: 'converted', consumed: mapKeys(converted, withoutVolume), converted };
}

/** DESTROY: the volume, named whole, becomes plain reserved disk again. */
export function planDestroy(wire: readonly WireResource[], total: Resources): Conversion {
  const problem = checkWire(wire) ?? firstProblem(wire, checkIsVolume);
  if (problem !== undefined) return invalid(problem);
  const consumed = decodeResources(wire);
  const unlike = findUnlikeVolume(consumed, total);
  if (unlike !== undefined) return invalid(unlike);
  return { kind: 'converted', consumed, converted: mapKeys(consumed, withoutVolume) };
}

/** GROW_VOLUME: adds disk of the same reservation to a volume. */
export function planGrow(
  volume: WireResource,
  addition: WireResource,
  total: Resources,
): Conversion {
  const problem = checkWire([volume, addition]) ?? firstProblem([volume], checkIsVolume);
  if (problem !== undefined) return invalid(problem);
  const before = decodeResources([volume]);
  const more = decodeResources([addition]);
  const unlike = findUnlikeVolume(before, total);
  if (unlike !== undefined) return invalid(unlike);
  const key = onlyKey(before);
  if (onlyKey(more) !== withoutVolume(key)) {
    return invalid(
      `${formatKey(key)} can only grow by disk of its own reservation, not by ${formatKey(onlyKey(more))}`,
    );
  }
  const size = scalarMilli(before, key) + scalarMilli(more, withoutVolume(key));
  return {
    kind: 'converted',
    consumed: addResources(before, more),
    converted: { scalars: { [key]: size }, ranges: {} },
  };
}

/** SHRINK_VOLUME: gives part of a volume back as reserved disk; something of it stays. */
export function planShrink(
  volume: WireResource,
  subtract: { readonly value: number },
  total: Resources,
): Conversion {
  const problem = checkWire([volume]) ?? firstProblem([volume], checkIsVolume);
  if (problem !== undefined) return invalid(problem);
  const consumed = decodeResources([volume]);
  const unlike = findUnlikeVolume(consumed, total);
  if (unlike !== undefined) return invalid(unlike);
  const key = onlyKey(consumed);
  const less = toMilli(subtract.value);
  const size = scalarMilli(consumed, key);
  if (!(less > 0 && less < size)) {
    return invalid(`${formatKey(key)} has ${size / 1000}; it cannot shrink by ${subtract.value}`);
  }
  return {
    kind: 'converted',
    consumed,
    converted: { scalars: { [key]: size - less, [withoutVolume(key)]: less }, ranges: {} },
  };
}

/** Whether an amount is one an agent keeps on its disk: reserved dynamically, or a volume. */
export function isCheckpointedKey(key: string): boolean {
  const { reservations, volume } = traitsOfKey(key);
  return volume !== undefined || reservations.some(({ type }) => type === 'DYNAMIC');
}

/** The part of a total that the agent has to keep. */
export const checkpointedOf = (total: Resources): Resources =>
  selectResources(total, isCheckpointedKey);

/**
 * An agent's total: what it was started with, `base`, with its reservations and volumes in place. What does not fit any
 * more, since the agent was started with less, is left out and named.
 */
export function withCheckpoint(
  base: Resources,
  checkpointed: Resources,
): { readonly total: Resources; readonly misfits: readonly string[] } {
  let total = base;
  const misfits: string[] = [];
  for (const part of eachKey(checkpointed)) {
    const key = onlyKey(part);
    if (!isCheckpointedKey(key)) continue;
    const plain = mapKeys(part, staticKey);
    if (containsResources(total, plain)) {
      total = addResources(subtractResources(total, plain), part);
    } else misfits.push(formatKey(key));
  }
  return { total, misfits };
}

/** The ids of an amount's volumes, with the role they are reserved to. */
export const volumesOf = (
  amount: Resources,
): readonly { readonly key: string; readonly role: string; readonly id: string }[] =>
  Object.keys(amount.scalars).flatMap((key) => {
    const { volume, reservations } = traitsOfKey(key);
    return volume === undefined
      ? []
      : [{ key, role: reservations.at(-1)?.role ?? '*', id: volume.id }];
  });

/** A volume that is not named whole: it can neither be split nor used in part. */
export function findUnlikeVolume(part: Resources, whole: Resources): string | undefined {
  for (const { key } of volumesOf(part)) {
    const has = scalarMilli(whole, key);
    const named = scalarMilli(part, key);
    if (has === 0) return `there is no volume ${formatKey(key)}`;
    if (has !== named) {
      return `volume ${formatKey(key)} has ${has / 1000}, not ${named / 1000}; it is used as a whole`;
    }
  }
  return undefined;
}

function checkWire(wire: readonly WireResource[]): string | undefined {
  if (wire.length === 0) return 'names no resources';
  for (const one of wire) {
    if (one.type === 'SET') return `resource ${one.name} is a SET, which no agent has`;
    if (one.type === 'SCALAR') {
      const value = one.scalar?.value;
      if (value === undefined) return `resource ${one.name} has no scalar value`;
      if (!(toMilli(value) > 0)) {
        return `resource ${one.name} is ${value}, below 0.001, the least that counts`;
      }
    }
    if (one.type === 'RANGES' && (one.ranges?.range.length ?? 0) === 0) {
      return `resource ${one.name} has no ranges`;
    }
    if (one.shared !== undefined) return `resource ${one.name}: shared volumes are not supported`;
    if (one.disk?.source !== undefined) {
      return `resource ${one.name}: disk.source is not supported`;
    }
  }
  return undefined;
}

function firstProblem(
  wire: readonly WireResource[],
  check: (key: string, one: WireResource) => string | undefined,
): string | undefined {
  for (const one of wire) {
    const decoded = decodeResources([one]);
    const problem = check(onlyKey(decoded), one);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkReserve(key: string, asker: ConversionAsker): string | undefined {
  const { reservations, volume, isRevocable } = traitsOfKey(key);
  const last = reservations.at(-1);
  const name = formatKey(key);
  if (last === undefined) return `${name} names no reservation`;
  if (last.type !== 'DYNAMIC') return `${name} is reserved statically; only an agent can do that`;
  if (isRevocable) return `${name} is revocable and cannot be reserved`;
  if (volume !== undefined) return `${name} is a volume and cannot be reserved again`;
  if (reservations.length > 1 && !asker.mayRefine) {
    return `${name} refines a reservation, which needs the capability RESERVATION_REFINEMENT`;
  }
  return checkStack(name, reservations) ?? checkRights(name, last, asker);
}

/** Each reservation of a stack is for a role below the one before. */
function checkStack(name: string, reservations: readonly Reservation[]): string | undefined {
  for (const [index, { role }] of reservations.entries()) {
    if (role === '*' || role === '') return `${name}: nothing can be reserved for the role *`;
    if (!isRoleName(role)) return `${name}: role ${JSON.stringify(role)} is invalid`;
    const above = reservations[index - 1]?.role;
    if (above !== undefined && !isBelow(role, above)) {
      return `${name}: role ${role} is not below ${above}, which it refines`;
    }
  }
  return undefined;
}

function checkRights(name: string, last: Reservation, asker: ConversionAsker): string | undefined {
  const { allocationRole, principal } = asker;
  if (
    allocationRole !== undefined &&
    last.role !== allocationRole &&
    !isBelow(last.role, allocationRole)
  ) {
    return `${name}: the offer was for the role ${allocationRole}, not for ${last.role}`;
  }
  if (principal !== undefined && last.principal !== principal) {
    return `${name}: the reservation's principal is ${last.principal ?? 'absent'}, not ${principal}`;
  }
  return undefined;
}

function checkUnreserve(key: string): string | undefined {
  const { reservations, volume } = traitsOfKey(key);
  const last = reservations.at(-1);
  if (last === undefined) return `${formatKey(key)} is not reserved`;
  if (last.type !== 'DYNAMIC') return `${formatKey(key)} is reserved statically`;
  if (volume !== undefined) return `${formatKey(key)} is a volume; destroy it first`;
  return undefined;
}

function checkCreate(key: string, one: WireResource, asker: ConversionAsker): string | undefined {
  const { reservations, volume, isRevocable } = traitsOfKey(key);
  const name = formatKey(key);
  if (nameOfKey(key) !== 'disk') return `${name} is no disk`;
  if (volume === undefined) return `${name} names no disk.persistence`;
  const badId = volume.id === '' ? 'is empty' : findIdDefect(volume.id);
  if (badId !== undefined) return `${name}: disk.persistence.id ${badId}; it names a directory`;
  if (one.disk?.volume === undefined) return `${name} names no disk.volume`;
  if (one.disk.volume.host_path !== undefined) return `${name}: host_path must not be set`;
  if (volume.mode !== 'RW') return `${name}: a persistent volume has the mode RW`;
  if (reservations.length === 0) return `${name}: volumes need reserved disk`;
  if (isRevocable) return `${name} is revocable and cannot hold a volume`;
  const badPath = checkContainerPath(volume.containerPath);
  if (badPath !== undefined) return `${name}: container_path ${badPath}`;
  const { principal } = asker;
  if (principal !== undefined && volume.principal !== principal) {
    return `${name}: the volume's principal is ${volume.principal ?? 'absent'}, not ${principal}`;
  }
  return undefined;
}

/** Relative, and inside the sandbox. */
function checkContainerPath(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.length > MAX_PATH_LENGTH) return `is longer than ${MAX_PATH_LENGTH} characters`;
  if (path.startsWith('/')) return `${path} is not relative`;
  const parts = path.split('/');
  if (parts.includes('..')) return `${path} leads out of the sandbox`;
  if (parts.every((part) => part === '' || part === '.')) return `${path} is the sandbox itself`;
  return undefined;
}

const MAX_PATH_LENGTH = 1024;

function checkIsVolume(key: string): string | undefined {
  return traitsOfKey(key).volume === undefined ? `${formatKey(key)} is no volume` : undefined;
}

function checkUniqueVolumes(wire: readonly WireResource[], total: Resources): string | undefined {
  const seen = new Set(volumesOf(total).map(({ role, id }) => `${role} ${id}`));
  for (const one of wire) {
    for (const { key, role, id } of volumesOf(decodeResources([one]))) {
      if (seen.has(`${role} ${id}`)) {
        return `${formatKey(key)}: the role ${role} has a volume ${id} on this agent already`;
      }
      seen.add(`${role} ${id}`);
    }
  }
  return undefined;
}

const isBelow = (role: string, above: string): boolean => role.startsWith(`${above}/`);

function eachKey(amount: Resources): readonly Resources[] {
  const scalars = Object.entries(amount.scalars).map(([key, milli]) => ({
    scalars: { [key]: milli },
    ranges: {},
  }));
  const ranges = Object.entries(amount.ranges).map(([key, range]) => ({
    scalars: {},
    ranges: { [key]: range },
  }));
  return [...scalars, ...ranges];
}

const onlyKey = (amount: Resources): string =>
  Object.keys(amount.scalars)[0] ?? Object.keys(amount.ranges)[0] ?? '';

function mapKeys(amount: Resources, toKey: (key: string) => string): Resources {
  return eachKey(amount).reduce<Resources>((sum, part) => {
    const rename = <Value>(from: Readonly<Record<string, Value>>) =>
      Object.fromEntries(Object.entries(from).map(([key, value]) => [toKey(key), value]));
    return addResources(sum, { scalars: rename(part.scalars), ranges: rename(part.ranges) });
  }, noResources);
}

function popReservation(key: string): string {
  const traits = traitsOfKey(key);
  return resourceKey(nameOfKey(key), {
    ...traits,
    reservations: traits.reservations.slice(0, -1),
  });
}

function withoutVolume(key: string): string {
  const { volume: _, ...traits } = traitsOfKey(key);
  return resourceKey(nameOfKey(key), traits);
}

/** What the amount was before anybody reserved it or made a volume of it. */
function staticKey(key: string): string {
  const { reservations, isRevocable } = traitsOfKey(key);
  const firstDynamic = reservations.findIndex(({ type }) => type === 'DYNAMIC');
  const traits: ResourceTraits = {
    reservations: firstDynamic < 0 ? reservations : reservations.slice(0, firstDynamic),
    isRevocable,
  };
  return resourceKey(nameOfKey(key), traits);
}

/** One port named under two reservations would become two. */
function balanced(consumed: Resources, converted: Resources): Conversion {
  const count = ({ ranges }: Resources) =>
    Object.values(ranges).reduce((sum, range) => sum + countInRanges(range), 0);
  return count(consumed) === count(converted)
    ? { kind: 'converted', consumed, converted }
    : invalid('names a range twice');
}

const invalid = (message: string): Conversion => ({ kind: 'invalid', message });
