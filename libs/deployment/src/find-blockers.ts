import { type AppId, appId, present } from '#core';
import type { DependencyGraph } from './dependency-graph.js';

/** Apps in the way that are named of one app at most. */
export const MAX_BLOCKERS = 10;

/** Which apps that one leads to are in the way; of many the first {@link MAX_BLOCKERS}, what is deepest first. */
export type BlockerSearch = (app: AppId) => readonly AppId[];

interface Visit {
  readonly node: string;
  readonly targets: readonly string[];
  next: number;
  readonly found: Set<AppId>;
}

/**
 * Searches a graph for what is in the way of apps, directly or through others. What was found once is kept, so that all
 * searches together are O(nodes + edges); make a new one when `isInTheWay` may have changed. A cycle ends where it
 * closes. Depth first without recursion: a chain may be as long as there are apps.
 */
export function blockerSearch(
  graph: DependencyGraph,
  isInTheWay: (app: AppId) => boolean,
): BlockerSearch {
  const known = new Map<string, readonly AppId[]>();
  const visit = (node: string): Visit => ({
    node,
    targets: graph.targetsOf(node),
    next: 0,
    found: new Set(),
  });
  return (app) => {
    const trail = [visit(app)];
    const open = new Set<string>([app]);
    while (!known.has(app)) {
      const top = present(trail.at(-1), 'the trail ends with its start');
      const target = top.targets[top.next];
      if (target === undefined || top.found.size >= MAX_BLOCKERS) {
        known.set(top.node, [...top.found]);
        open.delete(top.node);
        trail.pop();
        continue;
      }
      const below = open.has(target) ? [] : known.get(target);
      if (below === undefined) {
        open.add(target);
        trail.push(visit(target));
        continue;
      }
      for (const one of below) note(top.found, one);
      if (graph.isApp(target) && isInTheWay(appId(target))) note(top.found, appId(target));
      top.next += 1;
    }
    return (known.get(app) ?? []).filter((one) => one !== app);
  };
}

function note(found: Set<AppId>, app: AppId): void {
  if (found.size < MAX_BLOCKERS) found.add(app);
}
