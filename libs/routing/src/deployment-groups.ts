import type { WireApp } from '#marathon-v2';
import type { AppRoutes } from './app-routes.js';
import { cleanName, compareText } from './clean-name.js';
import { addEndpoint, sortEndpoints } from './find-endpoints.js';
import { readPortLabels } from './labels/port-labels.js';
import type { Endpoint, Route, RouteConflict } from './route-table.js';

/** Apps that serve one backend together: blue and green of a deployment. Labels: marathon-lb's zdd. */
const GROUP_LABEL = 'HAPROXY_DEPLOYMENT_GROUP';
const STARTED_LABEL = 'HAPROXY_DEPLOYMENT_STARTED_AT';
const TARGET_LABEL = 'HAPROXY_DEPLOYMENT_TARGET_INSTANCES';

/** HAProxy's largest server weight. */
const MAX_WEIGHT = 256;
/** Instances of one app weigh about this much when weights are set, so that small shares can be told apart. */
const COMMON_WEIGHT = 100;

/** An app with its own routes. */
export interface AppWithRoutes {
  readonly app: WireApp;
  readonly own: AppRoutes;
}

/** The deployment group an app names; undefined: none. */
export function deploymentGroupOf({ labels }: Pick<WireApp, 'labels'>): string | undefined {
  const group = labels[GROUP_LABEL]?.trim();
  return group === undefined || group === '' ? undefined : group;
}

/**
 * Merges the routes of apps of one deployment group: what is published, and how, says the app that was there first; the
 * endpoints are those of all. Shares: TRAFFIC_WEIGHT, by app whatever its number of instances; without it by instance. As in
 * marathon-lb, old instances are drained one for each healthy new one above the target. Apps come sorted by id.
 */
export function mergeDeploymentGroups(apps: readonly AppWithRoutes[]): readonly AppRoutes[] {
  const groups = new Map<string, AppWithRoutes[]>();
  const merged: AppRoutes[] = [];
  for (const one of apps) {
    const group = deploymentGroupOf(one.app);
    if (group === undefined) merged.push(one.own);
    else if (groups.get(group)?.push(one) === undefined) groups.set(group, [one]);
  }
  for (const [group, members] of groups) merged.push(mergeGroup(group, members));
  return merged;
}

function mergeGroup(group: string, members: readonly AppWithRoutes[]): AppRoutes {
  const byAge = [...members].sort(
    (left, right) =>
      compareText(startedAt(left.app), startedAt(right.app)) ||
      compareText(left.app.id, right.app.id),
  );
  const problems: RouteConflict[] = members.flatMap(({ own }) => own.problems);
  const indexes = new Set(members.flatMap(({ own }) => own.routes.map((route) => route.portIndex)));
  const routes = [...indexes]
    .sort((left, right) => left - right)
    .flatMap((portIndex) => {
      const sharers = byAge.flatMap(({ app, own }) =>
        own.routes
          .filter((route) => route.portIndex === portIndex)
          .map((route) => ({ app, route })),
      );
      return sharers[0] === undefined ? [] : [mergeRoutes(group, sharers)];
    });
  return { routes, problems };
}

/** Apps that do not say when they were started are there already. */
const startedAt = ({ labels }: WireApp): string => labels[STARTED_LABEL] ?? '';

interface Sharer {
  readonly app: WireApp;
  readonly route: Route;
}

function mergeRoutes(group: string, sharers: readonly Sharer[]): Route {
  const [first] = sharers as readonly [Sharer, ...Sharer[]];
  const { route } = first;
  const suffix = route.listener?.port ?? `p${route.portIndex}`;
  const byName = new Map<string, Endpoint>();
  const weights = weightsOf(sharers);
  const drained = drainedByTarget(sharers);
  for (const { app, route: shared } of sharers) {
    for (const endpoint of shared.endpoints) {
      addEndpoint(byName, {
        ...endpoint,
        weight: weights.get(app.id) ?? endpoint.weight,
        ...(drained.has(endpoint.taskId) && { state: 'draining' as const }),
      });
    }
  }
  return {
    ...route,
    members: sharers.map(({ app }) => app.id).sort(compareText),
    backend: `${cleanName(group.replace(/^\//, ''))}_${suffix}`,
    endpoints: sortEndpoints(byName),
  };
}

/**
 * Server weight per app, so that the sum over its ready instances is in proportion to its TRAFFIC_WEIGHT; an app without that
 * label weighs as much as its instances. Empty when no app has one. A share above 0 never gives a weight of 0.
 */
function weightsOf(sharers: readonly Sharer[]): ReadonlyMap<string, number> {
  const shares = sharers.map(({ app, route }) => ({
    id: app.id,
    count: route.endpoints.filter(({ state }) => state === 'ready').length,
    share: readPortLabels(app, route.portIndex).labels.trafficWeight,
  }));
  if (shares.every(({ share }) => share === undefined)) return new Map();
  const each = shares.map(({ id, count, share }) => ({
    id,
    weight: share === undefined ? 1 : share / Math.max(1, count),
    counts: count > 0,
  }));
  const largest = Math.max(...each.filter(({ counts }) => counts).map(({ weight }) => weight), 0);
  return new Map(
    each.map(({ id, weight }) => {
      if (weight === 0 || largest === 0) return [id, 0];
      const scaled = Math.round((weight / largest) * COMMON_WEIGHT);
      return [id, Math.min(MAX_WEIGHT, Math.max(1, scaled))];
    }),
  );
}

/** Tasks of the older apps that make room: min(healthy new ones, old + new - target), by id, as marathon-lb's zdd counts. */
function drainedByTarget(sharers: readonly Sharer[]): ReadonlySet<string> {
  const newest = sharers.at(-1);
  const target = Number(newest?.app.labels[TARGET_LABEL]);
  if (sharers.length < 2 || newest === undefined || !(target >= 0)) return new Set();
  const ready = (list: readonly Sharer[]): readonly string[] =>
    list
      .flatMap(({ route }) => route.endpoints)
      .filter(({ state }) => state === 'ready')
      .map(({ taskId }) => taskId);
  const added = ready([newest]);
  const old = [...ready(sharers.slice(0, -1))].sort(compareText);
  const count = Math.min(added.length, old.length + added.length - target);
  return new Set(old.slice(0, Math.max(0, count)));
}
