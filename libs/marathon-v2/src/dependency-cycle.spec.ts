import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type DependencyGraph, findDependencyCycle } from './dependency-cycle.js';
import { ancestorsOf, isWithin } from './path-id.js';

const graphOf = (
  apps: Record<string, readonly string[]>,
  groups: Record<string, readonly string[]> = {},
): DependencyGraph => {
  const all = new Map<string, { dependencies: readonly string[] }>();
  for (const id of Object.keys(apps).flatMap(ancestorsOf)) all.set(id, { dependencies: [] });
  for (const [id, dependencies] of Object.entries(groups)) all.set(id, { dependencies });
  return {
    apps: new Map(
      Object.entries(apps).map(([id, dependencies]) => [id, { dependencies }] as const),
    ),
    groups: all,
  };
};

it('finds a cycle of apps and names it', () => {
  const graph = graphOf({ '/a': ['/b'], '/b': ['/c'], '/c': ['/a'], '/d': ['/a'] });

  expect(findDependencyCycle(graph)).toEqual(['/a', '/b', '/c', '/a']);
});

it('takes an app that depends on its own group for a cycle', () => {
  expect(findDependencyCycle(graphOf({ '/g/a': ['/g'], '/g/b': [] }))).toBeDefined();
});

it('finds a cycle through the dependencies of groups', () => {
  const graph = graphOf({ '/x/a': [], '/y/b': ['/x/a'] }, { '/x': ['/y'] });

  expect(findDependencyCycle(graph)).toBeDefined();
});

it('is content with chains, diamonds and unknown targets', () => {
  const graph = graphOf(
    { '/x/a': ['/nowhere'], '/y/b': ['/x'], '/y/c': ['/x', '/y/b'] },
    { '/z': ['/y'] },
  );

  expect(findDependencyCycle(graph)).toBeUndefined();
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
        expect(findDependencyCycle(graph) !== undefined).toBe(hasCycleByPairs(graph));
      },
    ),
  );
});

function hasCycleByPairs({ apps, groups }: DependencyGraph): boolean {
  const reaches = new Map<string, Set<string>>();
  for (const [id, app] of apps) {
    const wanted = [
      ...app.dependencies,
      ...ancestorsOf(id).flatMap((group) => groups.get(group)?.dependencies ?? []),
    ];
    reaches.set(
      id,
      new Set(
        [...apps.keys()].filter((other) =>
          wanted.some((target) => (apps.has(target) ? other === target : isWithin(other, target))),
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
