import { parentOf } from './path-id.js';

/** What depends on what: apps and groups by id, each with the ids it depends on. */
export interface DependencyGraph {
  readonly apps: ReadonlyMap<string, { readonly dependencies: readonly string[] }>;
  readonly groups: ReadonlyMap<string, { readonly dependencies: readonly string[] }>;
}

/**
 * Finds a cycle among apps, or undefined. A dependency on a group means all apps below it; a group's dependency holds for
 * all apps below that group. Groups are nodes (`all` below, and the `needs` inherited from above), so the graph stays
 * linear in what is declared instead of growing with pairs. Unknown targets count as nothing. O(apps + groups + edges).
 */
export function findDependencyCycle(graph: DependencyGraph): readonly string[] | undefined {
  if (!hasDependencies(graph)) return undefined;
  const edges = buildEdges(graph);
  const done = new Set<string>();
  for (const id of graph.apps.keys()) {
    const cycle = walk(`app ${id}`, edges, done);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Apps of a cycle that are named at most. */
const MAX_NAMED = 11;

/** A cycle in words, or undefined when there is none. */
export function describeDependencyCycle(graph: DependencyGraph): string | undefined {
  const cycle = findDependencyCycle(graph);
  if (cycle === undefined) return undefined;
  const shown = cycle.length > MAX_NAMED + 1 ? [...cycle.slice(0, MAX_NAMED), '...'] : cycle;
  return `dependencies form a cycle: ${shown.join(' -> ')}`;
}

function hasDependencies(graph: DependencyGraph): boolean {
  for (const app of graph.apps.values()) if (app.dependencies.length > 0) return true;
  for (const group of graph.groups.values()) if (group.dependencies.length > 0) return true;
  return false;
}

type Edges = ReadonlyMap<string, readonly string[]>;

function buildEdges(graph: DependencyGraph): Edges {
  const edges = new Map<string, string[]>();
  const add = (from: string, to: string): void => {
    const known = edges.get(from);
    if (known === undefined) edges.set(from, [to]);
    else known.push(to);
  };
  const addTargets = (from: string, targets: readonly string[]): void => {
    for (const target of targets) {
      if (graph.apps.has(target)) add(from, `app ${target}`);
      else if (graph.groups.has(target)) add(from, `all ${target}`);
    }
  };
  for (const [id, app] of graph.apps) {
    add(`all ${parentOf(id)}`, `app ${id}`);
    addTargets(`app ${id}`, app.dependencies);
    add(`app ${id}`, `needs ${parentOf(id)}`);
  }
  for (const [id, group] of graph.groups) {
    if (id !== '/') {
      add(`all ${parentOf(id)}`, `all ${id}`);
      add(`needs ${id}`, `needs ${parentOf(id)}`);
    }
    addTargets(`needs ${id}`, group.dependencies);
  }
  return edges;
}

/** Depth first without recursion; `trail` is the current chain. */
function walk(start: string, edges: Edges, done: Set<string>): readonly string[] | undefined {
  if (done.has(start)) return undefined;
  const trail: { readonly node: string; next: number }[] = [{ node: start, next: 0 }];
  const onTrail = new Set([start]);
  for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
    const target = edges.get(top.node)?.[top.next];
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
