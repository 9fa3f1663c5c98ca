import {
  type App,
  type FrameworkId,
  type InstanceId,
  type InstanceReservation,
  type LocalVolume,
  type Reservation,
  type Resources,
  type ResourceTraits,
  resourceKey,
  scalarMilli,
  toMilli,
  traitsOfKey,
} from '#core';
import { type OfferedReservation, persistentVolumesOf, type ResourcePool } from '#matcher';
import {
  decodeResources,
  encodeResources,
  type OfferOperation,
  type WireResource,
} from '#mesos-v1';

/** What is reserved for resident instances, as the cluster knows it: marked with Marathon's labels. */

const FRAMEWORK_LABEL = 'marathon_framework_id';
const INSTANCE_LABEL = 'marathon_task_id';
/** A directory's name. */
const MAX_NAME_BYTES = 255;

/** Whether somebody has reserved it by a call: such resources are for whom they were reserved. */
export const isDynamic = ({ reservations, reservation }: WireResource): boolean =>
  (reservations?.length ?? 0) > 0 || reservation !== undefined;

/** Reservations with our kind of labels, whosever they are. */
export function toOfferedReservations(
  wire: readonly WireResource[],
): readonly OfferedReservation[] {
  const dynamic = wire.filter((one) => isDynamic(one) && one.revocable === undefined);
  if (dynamic.length === 0) return [];
  const found = new Map<string, OfferedReservation & { readonly amount: Mutable }>();
  const amountOf = (key: string): Mutable | undefined => {
    const { type, role, labels = [] } = traitsOfKey(key).reservations.at(-1) ?? NO_RESERVATION;
    const frameworkId = labels.find((label) => label.key === FRAMEWORK_LABEL)?.value;
    const instanceId = labels.find((label) => label.key === INSTANCE_LABEL)?.value;
    if (type !== 'DYNAMIC' || frameworkId === undefined || instanceId === undefined)
      return undefined;
    const id = JSON.stringify([frameworkId, instanceId, role]);
    const known = found.get(id) ?? { frameworkId, instanceId, role, amount: newAmount() };
    found.set(id, known);
    return known.amount;
  };
  const { scalars, ranges } = decodeResources(dynamic);
  for (const [key, milli] of Object.entries(scalars)) {
    const amount = amountOf(key);
    if (amount !== undefined) amount.scalars[key] = milli;
  }
  for (const [key, range] of Object.entries(ranges)) {
    const amount = amountOf(key);
    if (amount !== undefined) amount.ranges[key] = range;
  }
  return [...found.values()];
}

type Mutable = {
  readonly scalars: Record<string, number>;
  readonly ranges: Record<string, Resources['ranges'][string]>;
};
const newAmount = (): Mutable => ({ scalars: {}, ranges: {} });
const NO_RESERVATION: Reservation = { type: 'STATIC', role: '*' };

/** What comes before the first launch of a resident instance, and what its task takes then. */
export interface NewReservation {
  readonly reservation: InstanceReservation;
  readonly operations: readonly OfferOperation[];
  readonly reserved: Resources;
}

/** Reserves all that an instance takes, and makes its volumes. */
export function makeReservation(about: {
  readonly app: App;
  readonly instanceId: InstanceId;
  readonly safePath: string;
  readonly taken: readonly ResourcePool[];
  readonly frameworkId: FrameworkId | string;
  readonly principal?: string;
  readonly newId: () => string;
}): NewReservation {
  const { app, instanceId, frameworkId } = about;
  const principal = about.principal === undefined ? {} : { principal: about.principal };
  const traits: ResourceTraits = {
    reservations: [
      {
        type: 'DYNAMIC',
        role: app.role,
        ...principal,
        labels: [
          { key: FRAMEWORK_LABEL, value: frameworkId },
          { key: INSTANCE_LABEL, value: instanceId },
        ],
      },
    ],
    isRevocable: false,
  };
  const volumes = persistentVolumesOf(app).map(({ containerPath, sizeMib }): LocalVolume => {
    const uuid = about.newId();
    const persistenceId = toPersistenceId(about.safePath, containerPath, uuid);
    return { containerPath, uuid, persistenceId, sizeMib };
  });
  const all = withTraits(about.taken, traits);
  const made: Record<string, number> = {};
  for (const { persistenceId: id, containerPath, sizeMib } of volumes) {
    const volume = { id, containerPath, mode: 'RW' as const, ...principal };
    made[resourceKey('disk', { ...traits, volume })] = toMilli(sizeMib);
  }
  const disk = resourceKey('disk', traits);
  const { [disk]: _disk, ...others } = all.scalars;
  const rest = scalarMilli(all, disk) - Object.values(made).reduce((sum, milli) => sum + milli, 0);
  const scalars = { ...others, ...(rest > 0 ? { [disk]: rest } : {}), ...made };
  return {
    reservation: { role: app.role, frameworkId, volumes, isConfirmed: false },
    operations: [
      { type: 'RESERVE', reserve: { resources: encode(all) } },
      { type: 'CREATE', create: { volumes: encode({ scalars: made, ranges: {} }) } },
    ],
    reserved: { scalars, ranges: all.ranges },
  };
}

/** Gives back what is offered of a reservation: volumes are destroyed, with what is on them, and the rest is anybody's. */
export function releaseReservation({ amount }: OfferedReservation): readonly OfferOperation[] {
  const volumes: Record<string, number> = {};
  const plain: Record<string, number> = {};
  for (const [key, milli] of Object.entries(amount.scalars)) {
    const { volume, ...traits } = traitsOfKey(key);
    if (volume !== undefined) volumes[key] = milli;
    const bare = volume === undefined ? key : resourceKey('disk', traits);
    plain[bare] = (plain[bare] ?? 0) + milli;
  }
  const unreserve: OfferOperation = {
    type: 'UNRESERVE',
    unreserve: { resources: encode({ scalars: plain, ranges: amount.ranges }) },
  };
  return Object.keys(volumes).length === 0
    ? [unreserve]
    : [
        { type: 'DESTROY', destroy: { volumes: encode({ scalars: volumes, ranges: {} }) } },
        unreserve,
      ];
}

/** Our framework has not the capability RESERVATION_REFINEMENT. */
export const encode = (amount: Resources): readonly WireResource[] =>
  encodeResources(amount, { isRefined: false });

function withTraits(pools: readonly ResourcePool[], traits: ResourceTraits): Resources {
  const amount = newAmount();
  for (const { resources } of pools) {
    for (const [name, milli] of Object.entries(resources.scalars)) {
      const key = resourceKey(name, traits);
      amount.scalars[key] = (amount.scalars[key] ?? 0) + milli;
    }
    for (const [name, range] of Object.entries(resources.ranges)) {
      const key = resourceKey(name, traits);
      amount.ranges[key] = [...(amount.ranges[key] ?? []), ...range];
    }
  }
  return amount;
}

/** Marathon's name of a volume. One that is too long for a directory loses the end of the app's part. */
function toPersistenceId(safePath: string, containerPath: string, uuid: string): string {
  const end = `#${containerPath}#${uuid}`;
  return `${safePath.slice(0, MAX_NAME_BYTES - Buffer.byteLength(end))}${end}`;
}
