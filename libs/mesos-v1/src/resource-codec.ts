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

function sumUp(wire: readonly WireResource[], keyOf: (one: WireResource) => string): Resources {
  const scalars = new Map<string, number>();
  const ranges = new Map<string, Range[]>();
  for (const resource of wire) {
    const { type, ...amount } = resource;
    const name = keyOf(resource);
    if (type === 'SCALAR') {
      scalars.set(name, (scalars.get(name) ?? 0) + toMilli(Number(amount.scalar?.value ?? 0)));
    } else if (type === 'RANGES') {
      const list = ranges.get(name) ?? [];
      for (const range of amount.ranges?.range ?? []) {
        list.push({ begin: Number(range.begin), end: Number(range.end) });
      }
      ranges.set(name, list);
    }
  }
  return {
    scalars: Object.fromEntries([...scalars].filter(([, milli]) => milli !== 0)),
    ranges: Object.fromEntries(
      [...ranges]
        .map(([name, list]) => [name, normaliseRanges(list)] as const)
        .filter(([, list]) => list.length > 0),
    ),
  };
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
