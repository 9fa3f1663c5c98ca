import {
  type App,
  type AppId,
  appId,
  appsBelow,
  type GroupId,
  groupId,
  type RootGroup,
} from '#core';

/**
 * Who depends on what. Nodes are apps and groups: a group leads to every app under it, so that a dependency of many apps
 * on one group of many is few edges.
 */
export interface DependencyGraph {
  /** Known apps and groups that a node leads to; none of an unknown one. */
  targetsOf(node: string): readonly string[];
  isApp(node: string): boolean;
}

/**
 * The graph of a root. An app depends on its own dependencies and on those of every group above it; a dependency on a
 * group is one on every app under it. Unknown targets are ignored. Each node is looked at when it is asked for, once.
 */
export function dependencyGraph(root: RootGroup): DependencyGraph {
  const known = new Map<string, readonly string[]>();
  const find = (node: string): readonly string[] => {
    const app = root.apps.get(appId(node));
    if (app !== undefined) return targetsOf(app, root);
    return [...appsBelow(root.apps, node)].map(([id]) => id);
  };
  return {
    targetsOf: (node) => {
      const targets = known.get(node) ?? find(node);
      known.set(node, targets);
      return targets;
    },
    isApp: (node) => root.apps.has(appId(node)),
  };
}

/**
 * The graph the other way round, of what can be reached from these apps: a target leads to what depends on it.
 * O(edges reached).
 */
export function dependentsGraph(graph: DependencyGraph, apps: Iterable<AppId>): DependencyGraph {
  const reversed = new Map<string, string[]>();
  const open: string[] = [...apps];
  const seen = new Set(open);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const target of graph.targetsOf(node)) {
      const dependents = reversed.get(target);
      if (dependents === undefined) reversed.set(target, [node]);
      else dependents.push(node);
      if (seen.has(target)) continue;
      seen.add(target);
      open.push(target);
    }
  }
  return { targetsOf: (node) => reversed.get(node) ?? [], isApp: graph.isApp };
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
