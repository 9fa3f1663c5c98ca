import {
  type App,
  type AppId,
  type Constraint,
  executorShareOf,
  fromMilli,
  imagesOf,
  normaliseRanges,
  portRanges,
  type Range,
  type Resources,
  scalarMilli,
  subtractResources,
  toMilli,
} from '#core';
import { checkConstraint, type Site } from './constraints.js';
import type {
  MatchableOffer,
  MatchContext,
  MatchedLaunch,
  OfferMatch,
  PlacedInstance,
  Refusal,
  RefusalReason,
  ResourcePool,
  WaitingApp,
} from './offer.js';
import { assignPorts, wantedPorts } from './ports.js';
import { findResidentRefusal, reservablePools, volumesMilli } from './resident-need.js';

export const SCALARS = [
  ['cpus', 'InsufficientCpus', 'cpus'],
  ['mem', 'InsufficientMemory', 'MiB of memory'],
  ['disk', 'InsufficientDisk', 'MiB of disk'],
  ['gpus', 'InsufficientGpus', 'gpus'],
] as const satisfies readonly (readonly [string, RefusalReason, string])[];

/**
 * Places as many instances of the waiting apps as the offer holds, in the order given; an app that does not fit does
 * not hold up those after it. Every app that got less than its count has its first refusal in funnel order.
 * O(waiting apps + launches * (placed instances of the app with constraints + ports)).
 */
export function matchOffer(
  offer: MatchableOffer,
  waiting: readonly WaitingApp[],
  context: MatchContext,
): OfferMatch {
  const launches: MatchedLaunch[] = [];
  const refusals = new Map<AppId, Refusal>();
  let pools = offer.pools;
  for (const { app, count } of waiting) {
    const fixedRefusal = checkAgent(offer, app) ?? checkDaemon(offer, app, context);
    if (fixedRefusal !== undefined) {
      refusals.set(app.id, fixedRefusal);
      continue;
    }
    const placed = constrainingSites(app, context.placedOf);
    const most = app.workload === 'daemon' ? Math.min(count, 1) : count;
    for (let launched = 0; launched < most; launched += 1) {
      const seed = context.seed + launches.length;
      const outcome = matchOne({ offer, app, pools, placed, context, seed });
      if (!outcome.ok) {
        refusals.set(app.id, outcome.refusal);
        break;
      }
      pools = outcome.rest;
      placed.push(offer);
      launches.push(outcome.launch);
    }
  }
  return { launches, refusals, remaining: pools };
}

/** What about the agent never changes while the offer is used up. */
const checkAgent = (offer: MatchableOffer, app: App): Refusal | undefined =>
  checkRole(offer, app) ?? checkDocker(offer, app);

export function checkRole({ allocatedRole }: MatchableOffer, app: App): Refusal | undefined {
  if (allocatedRole === undefined || allocatedRole === app.role) return findResidentRefusal(app);
  return {
    reason: 'UnfulfilledRole',
    detail: `needs role ${app.role}, the offer is for role ${allocatedRole}`,
  };
}

export function checkDocker(offer: MatchableOffer, app: App): Refusal | undefined {
  const [image] = imagesOf(app);
  if (image !== undefined && offer.hasDocker === false) {
    return {
      reason: 'NoDockerSupport',
      detail: `needs Docker for image ${image}, agent ${offer.hostname} has none`,
    };
  }
  return undefined;
}

/** Of a daemon one per agent, whichever configuration the other runs and whatever has become of it. */
function checkDaemon(offer: MatchableOffer, app: App, context: MatchContext): Refusal | undefined {
  if (app.workload !== 'daemon') return undefined;
  if (context.occupiedBy?.(app.id).has(offer.agentId) !== true) return undefined;
  return {
    reason: 'UnfulfilledConstraint',
    detail: `runs once on each agent, ${offer.hostname} has one`,
  };
}

/** Old instances about to be replaced do not block placement. */
export function constrainingSites(
  app: App,
  placedOf: (app: AppId) => readonly PlacedInstance[],
): Site[] {
  if (app.constraints.length === 0) return [];
  const sites: Site[] = [];
  for (const { configVersion, site } of placedOf(app.id)) {
    if (configVersion === app.versionInfo.lastConfigChangeAt) sites.push(site);
  }
  return sites;
}

interface OneMatch {
  readonly offer: MatchableOffer;
  readonly app: App;
  readonly pools: readonly ResourcePool[];
  readonly placed: readonly Site[];
  readonly context: MatchContext;
  readonly seed: number;
}

type OneOutcome =
  | { readonly ok: true; readonly launch: MatchedLaunch; readonly rest: readonly ResourcePool[] }
  | { readonly ok: false; readonly refusal: Refusal };

function matchOne({ offer, app, pools, placed, context, seed }: OneMatch): OneOutcome {
  for (const constraint of app.constraints) {
    const refusal = refuseByConstraint({ constraint, offer, app, placed, context });
    if (refusal !== undefined) return { ok: false, refusal };
  }
  if (offer.isInMaintenance === true) return { ok: false, refusal: refuseMaintenance(offer) };
  const usable = usablePools(app, pools);
  if (usable.length === 0) return { ok: false, refusal: refuseRoles(app) };
  const shortage = findShortage(app, usable);
  if (shortage !== undefined) return { ok: false, refusal: shortage };
  const wanted = wantedPorts(app);
  const ports = assignPorts({
    wanted,
    free: normaliseRanges(usable.flatMap((pool) => portRanges(pool.resources))),
    recent: context.recentPorts ?? new Set(),
    seed,
  });
  if (!ports.ok) {
    return { ok: false, refusal: { reason: 'InsufficientPorts', detail: ports.detail } };
  }
  const taken = takeResources(app, ports.hostPorts, usable);
  return {
    ok: true,
    launch: { app, hostPorts: ports.hostPorts, taken },
    rest: subtractPools(pools, taken),
  };
}

export function refuseByConstraint(about: {
  readonly constraint: Constraint;
  readonly offer: MatchableOffer;
  readonly app: App;
  readonly placed: readonly Site[];
  readonly context: Pick<MatchContext, 'distinctValues'>;
}): Refusal | undefined {
  const { distinctValues } = about.context;
  const verdict = checkConstraint({
    constraint: about.constraint,
    site: about.offer,
    placed: about.placed,
    instances: about.app.instances,
    ...(distinctValues === undefined ? {} : { distinctValues }),
  });
  return verdict.ok ? undefined : { reason: 'UnfulfilledConstraint', detail: verdict.detail };
}

export const refuseMaintenance = ({ hostname }: MatchableOffer): Refusal => ({
  reason: 'AgentMaintenance',
  detail: `agent ${hostname} is in maintenance`,
});

export const refuseRoles = (app: App): Refusal => ({
  reason: 'UnfulfilledRole',
  detail:
    app.acceptedResourceRoles.length === 0
      ? `needs resources of role ${app.role}`
      : `accepts resources of role ${app.acceptedResourceRoles.join(', ')} only`,
});

/** Reserved resources of the app's role first, then unreserved ones, as far as the app accepts them. */
export function usablePools(app: App, pools: readonly ResourcePool[]): readonly ResourcePool[] {
  const accepted = app.acceptedResourceRoles;
  const accepts = (role: string): boolean =>
    accepted.length === 0 ? role === '*' || role === app.role : accepted.includes(role);
  const usable = reservablePools(app, pools).filter((pool) => accepts(pool.role));
  if (usable.length < 2) return usable;
  return [...usable].sort((left, right) => Number(left.role === '*') - Number(right.role === '*'));
}

const needOf = (app: App, name: (typeof SCALARS)[number][0]): number =>
  toMilli(app[name]) +
  toMilli(executorShareOf(app)[name]) +
  (name === 'disk' ? volumesMilli(app) : 0);

function findShortage(app: App, pools: readonly ResourcePool[]): Refusal | undefined {
  for (const scalar of SCALARS) {
    const shortage = measureShortage(app, scalar[0], pools);
    if (shortage !== undefined) return refuseShortage(scalar, shortage);
  }
  return undefined;
}

/** In thousandths. */
export interface Shortage {
  readonly needMilli: number;
  readonly haveMilli: number;
}

export function measureShortage(
  app: App,
  name: (typeof SCALARS)[number][0],
  pools: readonly ResourcePool[],
): Shortage | undefined {
  const needMilli = needOf(app, name);
  if (needMilli === 0) return undefined;
  let haveMilli = 0;
  for (const pool of pools) haveMilli += scalarMilli(pool.resources, name);
  return haveMilli < needMilli ? { needMilli, haveMilli } : undefined;
}

export const refuseShortage = (
  [, reason, unit]: (typeof SCALARS)[number],
  { needMilli, haveMilli }: Shortage,
): Refusal => ({
  reason,
  detail: `needs ${fromMilli(needMilli)} ${unit}, ${fromMilli(haveMilli)} are left`,
});

function takeResources(
  app: App,
  hostPorts: readonly (number | null)[],
  pools: readonly ResourcePool[],
): readonly ResourcePool[] {
  const needs = new Map(SCALARS.map(([name]) => [name, needOf(app, name)]));
  const ports = new Set(hostPorts.filter((port) => port !== null));
  const taken: ResourcePool[] = [];
  for (const pool of pools) {
    const scalars: Record<string, number> = {};
    for (const [name, need] of needs) {
      const part = Math.min(need, scalarMilli(pool.resources, name));
      if (part <= 0) continue;
      scalars[name] = part;
      needs.set(name, need - part);
    }
    const ranges = takePorts(ports, portRanges(pool.resources));
    if (Object.keys(scalars).length === 0 && ranges.length === 0) continue;
    taken.push({
      role: pool.role,
      resources: { scalars, ranges: ranges.length > 0 ? { ports: ranges } : {} },
    });
  }
  return taken;
}

/** Moves the ports that lie in `available` out of `ports`. */
function takePorts(ports: Set<number>, available: readonly Range[]): readonly Range[] {
  const found: Range[] = [];
  for (const port of ports) {
    if (!available.some((range) => range.begin <= port && port <= range.end)) continue;
    found.push({ begin: port, end: port });
    ports.delete(port);
  }
  return normaliseRanges(found);
}

function subtractPools(
  pools: readonly ResourcePool[],
  taken: readonly ResourcePool[],
): readonly ResourcePool[] {
  return pools.map((pool) => {
    const part = taken.find((candidate) => candidate.role === pool.role);
    return part === undefined ? pool : { role: pool.role, resources: minus(pool, part) };
  });
}

const minus = (pool: ResourcePool, part: ResourcePool): Resources =>
  subtractResources(pool.resources, part.resources);
