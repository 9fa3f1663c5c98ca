import { type AppId, appId, appsBelow, type GroupId, groupId, type SortedMap } from '#core';
import { parentOf } from './path-id.js';

/** What depends on what: apps and groups by id, each with the ids it depends on. */
export interface DependencyGraph {
  readonly apps: SortedMap<AppId, Dependent>;
  readonly groups: SortedMap<GroupId, Dependent>;
}

interface Dependent {
  readonly dependencies: readonly string[];
}

/** What was put since the graph was last without a cycle. */
interface Puts {
  readonly putApps: readonly { readonly id: AppId }[];
  readonly putGroups: readonly { readonly id: GroupId }[];
}

/**
 * Finds a cycle among apps, or undefined, looking only where one may be that was not there before `puts`. A dependency
 * on a group means all apps below it; a group's dependency holds for all apps below that group. Groups are nodes (`all`
 * below, and the `needs` inherited from above), so the graph stays linear in what is declared instead of growing with
 * pairs. Unknown targets count as nothing. O(what is reached from what is put).
 */
export function findDependencyCycle(
  graph: DependencyGraph,
  puts: Puts,
): readonly string[] | undefined {
  const edges = new Edges(graph);
  const done = new Set<string>();
  // Every new edge begins or ends at one of these, and a cycle with it goes through them.
  const starts = [
    ...puts.putApps.map(({ id }) => `app ${id}`),
    ...puts.putGroups.map(({ id }) => `needs ${id}`),
  ];
  for (const start of starts) {
    const cycle = walk(start, edges, done);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Apps of a cycle that are named at most. */
const MAX_NAMED = 11;

/** A cycle in words, or undefined when there is none. */
export function describeDependencyCycle(graph: DependencyGraph, puts: Puts): string | undefined {
  const cycle = findDependencyCycle(graph, puts);
  if (cycle === undefined) return undefined;
  const shown = cycle.length > MAX_NAMED + 1 ? [...cycle.slice(0, MAX_NAMED), '...'] : cycle;
  return `dependencies form a cycle: ${shown.join(' -> ')}`;
}

/** Where each node leads to, looked up when first asked for. */
class Edges {
  private readonly known = new Map<string, readonly string[]>();

  constructor(private readonly graph: DependencyGraph) {}

  of(node: string): readonly string[] {
    const known = this.known.get(node);
    if (known !== undefined) return known;
    const found = this.find(node);
    this.known.set(node, found);
    return found;
  }

  private find(node: string): readonly string[] {
    const { apps, groups } = this.graph;
    const [kind, id = ''] = node.split(' ');
    if (kind === 'app') {
      const targets = apps.get(appId(id))?.dependencies ?? [];
      return [...this.targets(targets), `needs ${parentOf(id)}`];
    }
    if (kind === 'all') return [...appsBelow(apps, id)].map(([app]) => `app ${app}`);
    const above = id === '/' ? [] : [`needs ${parentOf(id)}`];
    return [...this.targets(groups.get(groupId(id))?.dependencies ?? []), ...above];
  }

  private targets(ids: readonly string[]): readonly string[] {
    const { apps, groups } = this.graph;
    return ids.flatMap((id) =>
      apps.has(appId(id)) ? [`app ${id}`] : groups.has(groupId(id)) ? [`all ${id}`] : [],
    );
  }
}

/** Depth first without recursion; `trail` is the current chain. */
function walk(start: string, edges: Edges, done: Set<string>): readonly string[] | undefined {
  if (done.has(start)) return undefined;
  const trail: { readonly node: string; next: number }[] = [{ node: start, next: 0 }];
  const onTrail = new Set([start]);
  for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
    const target = edges.of(top.node)[top.next];
    top.next += 1;
    if (target === undefined) {
      done.add(top.node);
      onTrail.delete(top.node);
      trail.pop();
    } else if (onTrail.has(target)) {
      return appsOf(
        trail.map(({ node }) => node),
        target,
      );
    } else if (!done.has(target)) {
      trail.push({ node: target, next: 0 });
      onTrail.add(target);
    }
  }
  return undefined;
}

function appsOf(trail: readonly string[], repeated: string): readonly string[] {
  const apps = trail
    .slice(trail.indexOf(repeated))
    .filter((node) => node.startsWith('app '))
    .map((node) => node.slice('app '.length));
  return [...apps, ...apps.slice(0, 1)];
}
