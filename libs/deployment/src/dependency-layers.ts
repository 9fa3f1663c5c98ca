import { type App, type AppId, appId, type GroupId, groupId, type RootGroup } from '#core';

/** Thrown for a root whose dependencies form a cycle; callers refuse such a change beforehand. */
export class DependencyCycleError extends Error {
  readonly code = 'DEPENDENCY_CYCLE';
  constructor(readonly cycle: readonly string[]) {
    super(`dependencies form a cycle: ${cycle.join(' -> ')}`);
  }
}

/** Layer 0 has no dependencies; each other app is one above the highest app it depends on. */
export interface DependencyLayers {
  layerOf(app: AppId): number;
}

/**
 * Measures the longest dependency chain below each app asked for. An app depends on its own dependencies and on those
 * of every group above it; a dependency on a group is one on every app under it. Unknown targets are ignored. Memoised:
 * O(apps + edges) over what is reached, groups being nodes of their own so that group to group is one edge.
 */
export function dependencyLayers(root: RootGroup): DependencyLayers {
  const heights = new Map<string, number>();
  const path: string[] = [];
  const open = new Set<string>();
  let underGroup: ReadonlyMap<string, readonly AppId[]> | undefined;

  const appsUnder = (group: GroupId): readonly AppId[] => {
    underGroup ??= indexByGroup(root);
    return underGroup.get(group) ?? [];
  };
  /** Layer of an app, or the highest layer of the apps under a group (-1 when it has none). */
  const height = (node: string): number => {
    const known = heights.get(node);
    if (known !== undefined) return known;
    if (open.has(node)) {
      throw new DependencyCycleError([...path.slice(path.indexOf(node)), node]);
    }
    path.push(node);
    open.add(node);
    const app = root.apps.get(appId(node));
    let highest = -1;
    // A plain loop keeps the recursion at one frame a level, so long chains fit the stack.
    for (const next of app === undefined ? appsUnder(groupId(node)) : targetsOf(app, root)) {
      const below = height(next);
      if (below > highest) highest = below;
    }
    path.pop();
    open.delete(node);
    const value = app === undefined ? highest : highest + 1;
    heights.set(node, value);
    return value;
  };
  return { layerOf: (app) => height(app) };
}

/** What an app waits for: known apps and groups, its own and those of the groups above it. */
function targetsOf(app: App, root: RootGroup): readonly string[] {
  const targets = new Set(app.dependencies);
  for (const group of ancestorsOf(app.id)) {
    for (const target of root.groups.get(group)?.dependencies ?? []) {
      // A group may depend on something inside it; the app itself is then no dependency of its own.
      if (target !== app.id && !isUnder(app.id, target)) targets.add(target);
    }
  }
  return [...targets].filter(
    (target) => root.apps.has(appId(target)) || root.groups.has(groupId(target)),
  );
}

const isUnder = (id: string, group: string): boolean => group === '/' || id.startsWith(`${group}/`);

function ancestorsOf(id: string): readonly GroupId[] {
  const ancestors: GroupId[] = [groupId('/')];
  for (let at = id.indexOf('/', 1); at > 0; at = id.indexOf('/', at + 1)) {
    ancestors.push(groupId(id.slice(0, at)));
  }
  return ancestors;
}

function indexByGroup(root: RootGroup): ReadonlyMap<string, readonly AppId[]> {
  const index = new Map<string, AppId[]>();
  for (const id of root.apps.keys()) {
    for (const group of ancestorsOf(id)) {
      const list = index.get(group);
      if (list === undefined) index.set(group, [id]);
      else list.push(id);
    }
  }
  return index;
}
