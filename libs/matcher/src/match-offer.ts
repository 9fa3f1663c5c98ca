import {
  type App,
  type AppId,
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

const SCALARS = [
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
    const fixedRefusal = checkAgent(offer, app);
    if (fixedRefusal !== undefined) {
      refusals.set(app.id, fixedRefusal);
      continue;
    }
    const placed = constrainingSites(app, context.placedOf);
    for (let launched = 0; launched < count; launched += 1) {
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
function checkAgent(offer: MatchableOffer, app: App): Refusal | undefined {
  const { allocatedRole } = offer;
  if (allocatedRole !== undefined && allocatedRole !== app.role) {
    return {
      reason: 'UnfulfilledRole',
      detail: `needs role ${app.role}, the offer is for role ${allocatedRole}`,
    };
  }
  const [image] = imagesOf(app);
  if (image !== undefined && offer.hasDocker === false) {
    return {
      reason: 'NoDockerSupport',
      detail: `needs Docker for image ${image}, agent ${offer.hostname} has none`,
    };
  }
  return undefined;
}

/** Old instances about to be replaced do not block placement. */
function constrainingSites(app: App, placedOf: (app: AppId) => readonly PlacedInstance[]): Site[] {
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
    const verdict = checkConstraint({
      constraint,
      site: offer,
      placed,
      instances: app.instances,
      ...(context.distinctValues === undefined ? {} : { distinctValues: context.distinctValues }),
    });
    if (!verdict.ok) {
      return { ok: false, refusal: { reason: 'UnfulfilledConstraint', detail: verdict.detail } };
    }
  }
  const usable = usablePools(app, pools);
  if (usable.length === 0) {
    const detail = `accepts resources of role ${app.acceptedResourceRoles.join(', ')} only`;
    return { ok: false, refusal: { reason: 'UnfulfilledRole', detail } };
  }
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

/** Reserved resources of the app's role first, then unreserved ones, as far as the app accepts them. */
function usablePools(app: App, pools: readonly ResourcePool[]): readonly ResourcePool[] {
  const accepted = app.acceptedResourceRoles;
  const accepts = (role: string): boolean =>
    accepted.length === 0 ? role === '*' || role === app.role : accepted.includes(role);
  const usable = pools.filter((pool) => accepts(pool.role));
  if (usable.length < 2) return usable;
  return [...usable].sort((left, right) => Number(left.role === '*') - Number(right.role === '*'));
}

const needOf = (app: App, name: (typeof SCALARS)[number][0]): number => toMilli(app[name]);

function findShortage(app: App, pools: readonly ResourcePool[]): Refusal | undefined {
  for (const [name, reason, unit] of SCALARS) {
    const need = needOf(app, name);
    if (need === 0) continue;
    let have = 0;
    for (const pool of pools) have += scalarMilli(pool.resources, name);
    if (have < need) {
      const detail = `needs ${fromMilli(need)} ${unit}, ${fromMilli(have)} are left`;
      return { reason, detail };
    }
  }
  return undefined;
}

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
