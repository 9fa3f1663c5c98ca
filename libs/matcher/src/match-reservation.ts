import {
  type App,
  fromMilli,
  nameOfKey,
  normaliseRanges,
  type Range,
  type Resources,
  rangesOf,
  scalarMilli,
  toMilli,
  traitsOfKey,
} from '#core';
import type { MatchableOffer, MatchedLaunch, OfferedReservation, Refusal } from './offer.js';
import { assignPorts, wantedPorts } from './ports.js';

/** A resident instance that waits to be launched where its volumes are. */
export interface ReservedInstance {
  readonly app: App;
  /** Persistence ids of its volumes. */
  readonly volumeIds: readonly string[];
}

export type ReservationMatch =
  | { readonly ok: true; readonly launch: MatchedLaunch }
  | { readonly ok: false; readonly refusal: Refusal };

const NAMES = ['cpus', 'mem', 'disk', 'gpus'] as const;

/**
 * Launches an instance on what is reserved for it: with all its volumes, and with nothing that is not its own, so that it
 * never waits for what others have. Constraints were met where it was launched first.
 */
export function matchReservation(
  offer: Pick<MatchableOffer, 'allocatedRole' | 'hostname' | 'hasDocker'>,
  { role, amount }: OfferedReservation,
  { app, volumeIds }: ReservedInstance,
  context: { readonly seed: number },
): ReservationMatch {
  const { allocatedRole } = offer;
  if (allocatedRole !== undefined && allocatedRole !== role) {
    return refuse('UnfulfilledRole', `needs role ${role}, the offer is for role ${allocatedRole}`);
  }
  const image = app.container?.docker?.image;
  if (image !== undefined && offer.hasDocker === false) {
    return refuse(
      'NoDockerSupport',
      `needs Docker for image ${image}, agent ${offer.hostname} has none`,
    );
  }
  const volumes = volumeKeysIn(amount);
  const missing = volumeIds.find((id) => !volumes.has(id));
  if (missing !== undefined) {
    const detail = `its reservation on ${offer.hostname} is offered without its volume ${missing}`;
    return refuse('NoCorrespondingReservationFound', detail);
  }
  const scalars: Record<string, number> = {};
  for (const id of volumeIds) {
    const key = volumes.get(id) ?? '';
    scalars[key] = scalarMilli(amount, key);
  }
  for (const name of NAMES) {
    const short = takeScalar(amount, name, toMilli(app[name]), scalars);
    if (short === 0) continue;
    const need = fromMilli(toMilli(app[name]));
    const detail = `needs ${need} ${name}, ${fromMilli(toMilli(app[name]) - short)} are reserved for it`;
    return refuse('NoCorrespondingReservationFound', detail);
  }
  const ports = assignPorts({
    wanted: wantedPorts(app),
    free: portsIn(amount),
    recent: new Set(),
    seed: context.seed,
  });
  if (!ports.ok) return refuse('InsufficientPorts', `of those reserved for it: ${ports.detail}`);
  const ranges = takePorts(amount, ports.hostPorts);
  const { hostPorts } = ports;
  return { ok: true, launch: { app, hostPorts, taken: [], reserved: { scalars, ranges } } };
}

const refuse = (reason: Refusal['reason'], detail: string): ReservationMatch => ({
  ok: false,
  refusal: { reason, detail },
});

/** Keys of volumes by their ids. */
const volumeKeysIn = ({ scalars }: Resources): ReadonlyMap<string, string> =>
  new Map(
    Object.keys(scalars).flatMap((key) => {
      const { volume } = traitsOfKey(key);
      return volume === undefined ? [] : [[volume.id, key] as const];
    }),
  );

/** Takes what is no volume; returns how much is missing. */
function takeScalar(
  amount: Resources,
  name: string,
  need: number,
  taken: Record<string, number>,
): number {
  let left = need;
  for (const key of Object.keys(amount.scalars)) {
    if (nameOfKey(key) !== name || traitsOfKey(key).volume !== undefined) continue;
    const part = Math.min(left, scalarMilli(amount, key));
    if (part <= 0) continue;
    taken[key] = part;
    left -= part;
  }
  return left;
}

const portKeysOf = ({ ranges }: Resources): readonly string[] =>
  Object.keys(ranges).filter((key) => nameOfKey(key) === 'ports');

const portsIn = (amount: Resources): readonly Range[] =>
  normaliseRanges(portKeysOf(amount).flatMap((key) => rangesOf(amount, key)));

function takePorts(
  amount: Resources,
  hostPorts: readonly (number | null)[],
): Readonly<Record<string, readonly Range[]>> {
  const taken: Record<string, readonly Range[]> = {};
  for (const key of portKeysOf(amount)) {
    const mine = hostPorts.filter(
      (port): port is number =>
        port !== null &&
        rangesOf(amount, key).some(({ begin, end }) => begin <= port && port <= end),
    );
    if (mine.length === 0) continue;
    taken[key] = normaliseRanges(mine.map((port) => ({ begin: port, end: port })));
  }
  return taken;
}
