import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type App,
  type AppId,
  appId,
  createRoot,
  type Group,
  groupId,
  type RootGroup,
} from '#core';
import { dependencyGraph, dependentsGraph } from './dependency-graph.js';
import { blockerSearch, MAX_BLOCKERS } from './find-blockers.js';

const GROUPS = 4;

/** Apps `/g<n>/a<i>`, each of which depends on earlier ones, and groups that depend on groups before them. */
const arbitraryRoot = fc
  .record({
    edges: fc.array(fc.array(fc.nat(24), { maxLength: 4 }), { minLength: 1, maxLength: 25 }),
    groups: fc.array(fc.nat(GROUPS - 1), { maxLength: GROUPS }),
  })
  .map(({ edges, groups }) => {
    // Groups hold runs of apps, so that edges to earlier apps and earlier groups never close a cycle.
    const groupOf = (index: number) => Math.floor((index * GROUPS) / edges.length);
    const ids = edges.map((_, index) => `/g${groupOf(index)}/a${index}`);
    return aRoot(
      edges.map((targets, index) => ({
        id: ids[index] ?? '',
        dependencies: targets.filter((target) => target < index).map((target) => ids[target] ?? ''),
      })),
      groups.map((target, index) => ({
        id: `/g${index}`,
        dependencies: target < index ? [`/g${target}`] : [],
      })),
    );
  });

interface Node {
  readonly id: string;
  readonly dependencies: readonly string[];
}

function aRoot(apps: readonly Node[], groups: readonly Node[]): RootGroup {
  return createRoot({
    revision: 1,
    version: 'v',
    apps: apps.map((app) => ({ ...app, networks: [], portDefinitions: [] }) as unknown as App),
    groups: groups.map((group) => group as unknown as Group),
  });
}

/** All that an app depends on, the slow and obvious way. */
function closureOf(root: RootGroup, app: AppId): ReadonlySet<AppId> {
  const closure = new Set<AppId>();
  for (const open = [app]; open.length > 0; ) {
    const at = open.pop() as AppId;
    const group = root.groups.get(groupId(at.slice(0, at.lastIndexOf('/'))));
    const own = root.apps.get(at)?.dependencies ?? [];
    for (const target of [...own, ...(group?.dependencies ?? [])]) {
      for (const other of root.apps.keys()) {
        if (other !== target && !other.startsWith(`${target}/`)) continue;
        if (!closure.has(other)) open.push(other);
        closure.add(other);
      }
    }
  }
  return closure;
}

describe('what is in the way', () => {
  it('is all that an app depends on, directly, through others and through groups', () => {
    fc.assert(
      fc.property(arbitraryRoot, fc.nat(), (root, seed) => {
        const isDown = (app: AppId) =>
          (app.length * 7 + Number(app.split('/a')[1]) * seed) % 3 === 0;
        const search = blockerSearch(dependencyGraph(root), isDown);

        for (const app of root.apps.keys()) {
          const expected = [...closureOf(root, app)].filter(isDown).sort();
          const found = [...search(app)].sort();
          if (expected.length <= MAX_BLOCKERS) expect(found).toEqual(expected);
          else expect(found).toHaveLength(MAX_BLOCKERS);
        }
      }),
    );
  });

  it('lets all begin in the end, each after what it depends on, and the other way round when they go', () => {
    fc.assert(
      fc.property(arbitraryRoot, (root) => {
        const graph = dependencyGraph(root);
        for (const [way, isBefore] of [
          [graph, (app: AppId, other: AppId) => closureOf(root, app).has(other)],
          [
            dependentsGraph(graph, root.apps.keys()),
            (app: AppId, other: AppId) => closureOf(root, other).has(app),
          ],
        ] as const) {
          const order: AppId[] = [];
          while (order.length < root.apps.size) {
            const search = blockerSearch(way, (app) => !order.includes(app));
            const next = [...root.apps.keys()].find(
              (app) => !order.includes(app) && search(app).length === 0,
            );
            // A dead lock: nothing may begin.
            if (next === undefined) throw new Error(`only ${order.join()} may begin`);
            order.push(next);
          }
          for (const [index, app] of order.entries()) {
            const later = order.slice(index + 1);
            expect(later.filter((other) => isBefore(app, other))).toEqual([]);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('looks at thousands of apps that depend on a group of thousands once', () => {
    const count = 3_000;
    const names = Array.from({ length: count }, (_, index) => String(index));
    const root = aRoot(
      [
        ...names.map((name) => ({ id: `/low/${name}`, dependencies: [] })),
        ...names.map((name) => ({ id: `/high/${name}`, dependencies: ['/low'] })),
      ],
      [
        { id: '/low', dependencies: [] },
        { id: '/high', dependencies: [] },
      ],
    );
    let looks = 0;
    const search = blockerSearch(dependencyGraph(root), () => {
      looks += 1;
      return false;
    });

    for (const name of names) expect(search(appId(`/high/${name}`))).toEqual([]);

    expect(looks).toBeLessThan(4 * count);
  });

  it('ends where dependencies close a cycle', () => {
    const root = aRoot(
      [
        { id: '/a', dependencies: ['/b'] },
        { id: '/b', dependencies: ['/a'] },
      ],
      [],
    );

    expect(blockerSearch(dependencyGraph(root), () => true)(appId('/a'))).toEqual(['/b']);
  });
});
