import { type AppId, present, type RootGroup } from '#core';
import { dependencyGraph } from './dependency-graph.js';

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
  const graph = dependencyGraph(root);

  const measure = (start: string): number => {
    const trail = [{ node: start, targets: graph.targetsOf(start), next: 0, highest: -1 }];
    const open = new Set([start]);
    for (;;) {
      const top = present(trail.at(-1), 'the trail ends with its start');
      const target = top.targets[top.next];
      const known = target === undefined ? undefined : heights.get(target);
      if (target !== undefined && known === undefined) {
        if (open.has(target)) throw cycleOf(trail, target);
        open.add(target);
        trail.push({ node: target, targets: graph.targetsOf(target), next: 0, highest: -1 });
        continue;
      }
      if (known !== undefined) {
        top.highest = Math.max(top.highest, known);
        top.next += 1;
        continue;
      }
      // A group is as high as the highest app under it (-1 when it has none), an app one more.
      const height = graph.isApp(top.node) ? top.highest + 1 : top.highest;
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
