import {
  fromMilli,
  nameOfKey,
  normaliseRanges,
  type Range,
  type Reservation,
  type Resources,
  type ResourceTraits,
  resourceKey,
  toMilli,
  traitsOfKey,
} from '#core';
import type { WireReservation, WireResource } from './values.js';

/** Reads wire resources by name alone, adding up whatever their reservations. SET resources are ignored here. */
export function fromWireResources(wire: readonly WireResource[]): Resources {
  return sumUp(wire, ({ name }) => name);
}

/**
 * Reads wire resources with their traits: reservations in either form, persistent volumes, revocable. SET resources are
 * ignored here.
 */
export function decodeResources(wire: readonly WireResource[]): Resources {
  return sumUp(wire, (resource) => resourceKey(resource.name, traitsOf(resource)));
}

/** Names come from outside, so what is there already is looked up as an own property. */
function sumUp(wire: readonly WireResource[], keyOf: (one: WireResource) => string): Resources {
  const scalars: Record<string, number> = {};
  const ranges: Record<string, readonly Range[]> = {};
  for (const resource of wire) {
    const key = keyOf(resource);
    if (resource.type === 'SCALAR') {
      const milli = toMilli(Number(resource.scalar?.value ?? 0));
      if (milli === 0) continue;
      const sum = (Object.hasOwn(scalars, key) ? (scalars[key] ?? 0) : 0) + milli;
      if (sum === 0) delete scalars[key];
      else scalars[key] = sum;
    } else if (resource.type === 'RANGES') {
      const list = Object.hasOwn(ranges, key) ? [...(ranges[key] ?? [])] : [];
      for (const range of resource.ranges?.range ?? []) {
        list.push({ begin: Number(range.begin), end: Number(range.end) });
      }
      const normalised = normaliseRanges(list);
      if (normalised.length > 0) ranges[key] = normalised;
    }
  }
  return { scalars, ranges };
}

function traitsOf(resource: WireResource): ResourceTraits {
  const { disk } = resource;
  const volume = disk?.volume;
  return {
    reservations: reservationsOf(resource),
    isRevocable: resource.revocable !== undefined,
    ...(disk?.persistence === undefined
      ? {}
      : {
          volume: {
            id: disk.persistence.id,
            containerPath: volume?.container_path ?? '',
            mode: volume?.mode ?? 'RW',
            ...(disk.persistence.principal === undefined
              ? {}
              : { principal: disk.persistence.principal }),
          },
        }),
  };
}

function reservationsOf(resource: WireResource): readonly Reservation[] {
  const { role, reservation, reservations } = resource;
  if (reservations !== undefined && reservations.length > 0) {
    return reservations.map((one) => toReservation(one, one.type ?? 'STATIC', one.role ?? '*'));
  }
  if (role === undefined || role === '*') return [];
  return [
    reservation === undefined
      ? { type: 'STATIC', role }
      : toReservation(reservation, 'DYNAMIC', role),
  ];
}

const toReservation = (
  { principal, labels }: WireReservation,
  type: Reservation['type'],
  role: string,
): Reservation => ({
  type,
  role,
  ...(principal === undefined ? {} : { principal }),
  ...(labels === undefined ? {} : { labels: labels.labels }),
});

/**
 * Writes resources with their traits. `refined` writes `reservations` (for RESERVATION_REFINEMENT); without it the old
 * form (`role`, `reservation`), which has room for one reservation only: the innermost is written. `allocatedTo` adds
 * allocation_info.
 */
export function encodeResources(
  amount: Resources,
  options: { readonly allocatedTo?: string; readonly isRefined: boolean },
): readonly WireResource[] {
  const traitFields = (key: string) => ({
    ...toWireTraits(traitsOfKey(key), options),
    ...(options.allocatedTo === undefined
      ? {}
      : { allocation_info: { role: options.allocatedTo } }),
  });
  const scalars = Object.entries(amount.scalars).map(
    ([key, milli]): WireResource => ({
      name: nameOfKey(key),
      type: 'SCALAR',
      scalar: { value: fromMilli(milli) },
      ...traitFields(key),
    }),
  );
  const ranges = Object.entries(amount.ranges).map(
    ([key, range]): WireResource => ({
      name: nameOfKey(key),
      type: 'RANGES',
      ranges: { range: range.map(({ begin, end }) => ({ begin, end })) },
      ...traitFields(key),
    }),
  );
  return [...scalars, ...ranges];
}

function toWireTraits(
  { reservations, volume, isRevocable }: ResourceTraits,
  { isRefined }: { readonly isRefined: boolean },
): Partial<WireResource> {
  return {
    ...(isRefined ? refinedForm(reservations) : oldForm(reservations)),
    ...(volume === undefined
      ? {}
      : {
          disk: {
            persistence: {
              id: volume.id,
              ...(volume.principal === undefined ? {} : { principal: volume.principal }),
            },
            volume: { mode: volume.mode, container_path: volume.containerPath },
          },
        }),
    ...(isRevocable ? { revocable: {} } : {}),
  };
}

const refinedForm = (reservations: readonly Reservation[]): Partial<WireResource> =>
  reservations.length === 0 ? {} : { reservations: reservations.map(toWireReservation) };

function oldForm(reservations: readonly Reservation[]): Partial<WireResource> {
  const last = reservations.at(-1);
  if (last === undefined) return { role: '*' };
  if (last.type === 'STATIC') return { role: last.role };
  const { type: _type, role, ...reservation } = toWireReservation(last);
  return { role: role ?? '*', reservation };
}

const toWireReservation = ({ type, role, principal, labels }: Reservation): WireReservation => ({
  type,
  role,
  ...(principal === undefined ? {} : { principal }),
  ...(labels === undefined ? {} : { labels: { labels } }),
});

/** Writes plain amounts in the old unreserved form (`role: "*"`); `allocatedTo` adds allocation_info. */
export function toWireResources(
  amount: Resources,
  options: { readonly allocatedTo?: string } = {},
): readonly WireResource[] {
  const allocation =
    options.allocatedTo === undefined ? {} : { allocation_info: { role: options.allocatedTo } };
  const scalars = Object.entries(amount.scalars).map(
    ([name, milli]): WireResource => ({
      name,
      type: 'SCALAR',
      scalar: { value: fromMilli(milli) },
      role: '*',
      ...allocation,
    }),
  );
  const ranges = Object.entries(amount.ranges).map(
    ([name, range]): WireResource => ({
      name,
      type: 'RANGES',
      ranges: { range: range.map(({ begin, end }) => ({ begin, end })) },
      role: '*',
      ...allocation,
    }),
  );
  return [...scalars, ...ranges];
}
