import fc from 'fast-check';
import { expect, it } from 'vitest';
import { appId, groupId, SortedMap } from '#core';
import { type DependencyGraph, findDependencyCycle } from './dependency-cycle.js';
import { ancestorsOf, isWithin } from './path-id.js';

const graphOf = (
  apps: Record<string, readonly string[]>,
  groups: Record<string, readonly string[]> = {},
): DependencyGraph => {
  const above = Object.keys(apps).flatMap(ancestorsOf);
  return {
    apps: SortedMap.from(
      Object.entries(apps).map(([id, dependencies]) => [appId(id), { dependencies }]),
    ),
    groups: SortedMap.from([
      ...above.map((id) => [groupId(id), { dependencies: [] }] as const),
      ...Object.entries(groups).map(
        ([id, dependencies]) => [groupId(id), { dependencies }] as const,
      ),
    ]),
  };
};

const findAnyCycle = (graph: DependencyGraph) =>
  findDependencyCycle(graph, {
    putApps: [...graph.apps.keys()].map((id) => ({ id })),
    putGroups: [...graph.groups.keys()].map((id) => ({ id })),
  });

it('finds a cycle of apps and names it', () => {
  const graph = graphOf({ '/a': ['/b'], '/b': ['/c'], '/c': ['/a'], '/d': ['/a'] });

  expect(findAnyCycle(graph)).toEqual(['/a', '/b', '/c', '/a']);
});

it('takes an app that depends on its own group for a cycle', () => {
  expect(findAnyCycle(graphOf({ '/g/a': ['/g'], '/g/b': [] }))).toBeDefined();
});

it('finds a cycle through the dependencies of groups', () => {
  const graph = graphOf({ '/x/a': [], '/y/b': ['/x/a'] }, { '/x': ['/y'] });

  expect(findAnyCycle(graph)).toBeDefined();
});

it('is content with chains, diamonds and unknown targets', () => {
  const graph = graphOf(
    { '/x/a': ['/nowhere'], '/y/b': ['/x'], '/y/c': ['/x', '/y/b'] },
    { '/z': ['/y'] },
  );

  expect(findAnyCycle(graph)).toBeUndefined();
});

it('agrees with the slow expansion to pairs of apps', () => {
  const ids = ['/a', '/g/a', '/g/b', '/g/h/a', '/k/a'];
  const groups = ['/g', '/g/h', '/k'];
  const targets = fc.subarray([...ids, ...groups], { maxLength: 2 });
  fc.assert(
    fc.property(
      fc.tuple(...ids.map(() => targets)),
      fc.tuple(...groups.map(() => targets)),
      (ofApps, ofGroups) => {
        const graph = graphOf(
          Object.fromEntries(ids.map((id, index) => [id, ofApps[index] ?? []])),
          Object.fromEntries(groups.map((id, index) => [id, ofGroups[index] ?? []])),
        );
        expect(findAnyCycle(graph) !== undefined).toBe(hasCycleByPairs(graph));
      },
    ),
  );
});

it('finds what a change adds by looking at what it puts', () => {
  const ids = ['/a', '/g/a', '/g/b', '/g/h/a', '/k/a'];
  const targets = fc.subarray([...ids, '/g', '/g/h', '/k', '/'], { maxLength: 2 });
  const put = fc.record({ id: fc.constantFrom(...ids, '/g', '/g/h', '/k'), dependencies: targets });
  fc.assert(
    fc.property(fc.array(put, { maxLength: 12 }), (puts) => {
      let graph = graphOf({});
      for (const { id, dependencies } of puts) {
        const isApp = ids.includes(id);
        const added = ancestorsOf(id)
          .map(groupId)
          .filter((group) => !graph.groups.has(group));
        let { apps, groups } = graph;
        for (const group of added) groups = groups.with(group, { dependencies: [] });
        if (isApp) apps = apps.with(appId(id), { dependencies });
        else groups = groups.with(groupId(id), { dependencies });
        const next = { apps, groups };
        const found = findDependencyCycle(next, {
          putApps: isApp ? [{ id: appId(id) }] : [],
          putGroups: [...added, ...(isApp ? [] : [groupId(id)])].map((group) => ({ id: group })),
        });
        expect(found !== undefined).toBe(hasCycleByPairs(next));
        if (found === undefined) graph = next;
      }
    }),
  );
});

function hasCycleByPairs({ apps, groups }: DependencyGraph): boolean {
  const reaches = new Map<string, Set<string>>();
  for (const [id, app] of apps) {
    const wanted = [
      ...app.dependencies,
      ...ancestorsOf(id).flatMap((group) => groups.get(groupId(group))?.dependencies ?? []),
    ];
    reaches.set(
      id,
      new Set(
        [...apps.keys()].filter((other) =>
          wanted.some((target) =>
            apps.has(appId(target)) ? other === target : isWithin(other, target),
          ),
        ),
      ),
    );
  }
  for (const middle of apps.keys()) {
    for (const from of reaches.values()) {
      if (from.has(middle)) for (const to of reaches.get(middle) ?? []) from.add(to);
    }
  }
  return [...reaches].some(([id, to]) => to.has(id));
}
