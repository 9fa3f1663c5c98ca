import { EDGE_MAPS, type EdgeMap, type EdgeMaps, ORDERED_MAPS } from './edge-maps.js';
import type { AppliedContents, EdgeContents, EdgeModel } from './edge-model.js';

/** What a running HAProxy has that decides how far it can come without a reload. */
export interface RunningEdge extends Pick<AppliedContents, 'maps'> {
  readonly backends: ReadonlySet<string>;
  /** Whether it runs with the structure of the wanted model; else a reload is to come. */
  readonly isSameStructure: boolean;
}

/**
 * The contents of `model` as far as `running` can have them now. While a reload is to come, a host whose next backend or
 * rule comes with it stays where it is: there is no moment in which it has no route. O(servers + hosts).
 */
export function contentsWithoutReload(model: EdgeModel, running: RunningEdge): EdgeContents {
  if (running.isSameStructure) return model;
  const { backends } = running;
  const maps = Object.fromEntries(
    EDGE_MAPS.map((map) => [map, mapWithoutReload(map, model, running)]),
  ) as unknown as EdgeMaps;
  return {
    servers: new Map([...model.servers].filter(([backend]) => backends.has(backend))),
    maps: { ...maps, wildcards: wildcardsThatLead(maps, model, running) },
  };
}

function mapWithoutReload(
  map: EdgeMap,
  model: EdgeModel,
  { maps, backends }: RunningEdge,
): ReadonlyMap<string, string> {
  // The values of this one are keys of `hosts`, not backends.
  const isReachable = (backend: string): boolean => map === 'wildcards' || backends.has(backend);
  const entries = [...(maps[map] ?? []), ...model.maps[map]].filter(([, value]) =>
    isReachable(value),
  );
  if (!ORDERED_MAPS.has(map)) return new Map(entries);
  return new Map(
    [...new Map(entries)].sort(
      ([left], [right]) => right.length - left.length || (left < right ? -1 : 1),
    ),
  );
}

/**
 * A wildcard decides alone for the hosts it matches: a shorter one is not asked any more. So a new one counts once everything
 * of it can be reached, and one without any entry in `hosts` not at all.
 */
function wildcardsThatLead(
  { hosts, wildcards }: EdgeMaps,
  model: EdgeModel,
  running: RunningEdge,
): ReadonlyMap<string, string> {
  const there = new Set([...hosts.keys()].map(hostOf));
  const incomplete = new Set(
    [...model.maps.hosts].flatMap(([key, backend]) =>
      running.backends.has(backend) ? [] : [hostOf(key)],
    ),
  );
  const before = running.maps.wildcards;
  return new Map(
    [...wildcards].filter(
      ([suffix, host]) => there.has(host) && (before?.has(suffix) || !incomplete.has(host)),
    ),
  );
}

/** Keys of `hosts` are a host and the beginning of a path. */
const hostOf = (key: string): string => key.slice(0, key.indexOf('/'));
