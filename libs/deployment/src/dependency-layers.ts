import { type App, type AppId, appId, type GroupId, groupId, present, type RootGroup } from '#core';

/** Nodes of a cycle that its message names at most. */
const MAX_NAMED = 11;

/** Thrown for a root whose dependencies form a cycle; callers refuse such a change beforehand. */
export class DependencyCycleError extends Error {
  readonly code = 'DEPENDENCY_CYCLE';
  constructor(readonly cycle: readonly string[]) {
    const shown = cycle.length > MAX_NAMED + 1 ? [...cycle.slice(0, MAX_NAMED), '...'] : cycle;
    super(`dependencies form a cycle: ${shown.join(' -> ')}`);
  }
}

/** Layer 0 has no dependencies; each other app is one above the highest app it depends on. */
export interface DependencyLayers {
  layerOf(app: AppId): number;
}

/**
 * Measures the longest dependency chain below each app asked for. An app depends on its own dependencies and on those
 * of every group above it; a dependency on a group is one on every app under it. Unknown targets are ignored. Memoised:
 * O(apps + edges) over what is reached, groups being nodes of their own so that group to group is one edge. Depth first
 * without recursion: a chain may be as long as there are apps.
 */
export function dependencyLayers(root: RootGroup): DependencyLayers {
  const heights = new Map<string, number>();
  let underGroup: ReadonlyMap<string, readonly AppId[]> | undefined;

  const targetsOfNode = (node: string): readonly string[] => {
    const app = root.apps.get(appId(node));
    if (app !== undefined) return targetsOf(app, root);
    underGroup ??= indexByGroup(root);
    return underGroup.get(node) ?? [];
  };
  const measure = (start: string): number => {
    const trail = [{ node: start, targets: targetsOfNode(start), next: 0, highest: -1 }];
    const open = new Set([start]);
    for (;;) {
      const top = present(trail.at(-1), 'the trail ends with its start');
      const target = top.targets[top.next];
      const known = target === undefined ? undefined : heights.get(target);
      if (target !== undefined && known === undefined) {
        if (open.has(target)) throw cycleOf(trail, target);
        open.add(target);
        trail.push({ node: target, targets: targetsOfNode(target), next: 0, highest: -1 });
        continue;
      }
      if (known !== undefined) {
        top.highest = Math.max(top.highest, known);
        top.next += 1;
        continue;
      }
      // A group is as high as the highest app under it (-1 when it has none), an app one more.
      const height = root.apps.has(appId(top.node)) ? top.highest + 1 : top.highest;
      heights.set(top.node, height);
      open.delete(top.node);
      trail.pop();
      if (trail.length === 0) return height;
    }
  };
  return { layerOf: (app) => heights.get(app) ?? measure(app) };
}

function cycleOf(
  trail: readonly { readonly node: string }[],
  repeated: string,
): DependencyCycleError {
  const nodes = trail.map(({ node }) => node);
  return new DependencyCycleError([...nodes.slice(nodes.indexOf(repeated)), repeated]);
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
