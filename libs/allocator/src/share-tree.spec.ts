import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Resources, roleName } from '#core';
import type { ShareNode } from './share-node.js';
import { ShareTree } from './share-tree.js';

interface Leaf {
  readonly name: string;
}

const scalars = (amounts: Readonly<Record<string, number>>): Resources => ({
  scalars: amounts,
  ranges: {},
});

/** A tree of `role:framework` leaves, all active, with what each has been allocated. */
function treeOf(
  totals: Readonly<Record<string, number>>,
  leaves: Readonly<Record<string, Readonly<Record<string, number>>>>,
  excluded: readonly string[] = [],
) {
  const tree = new ShareTree<Leaf>(excluded);
  tree.changeTotals(scalars(totals), 1);
  const nodes = new Map<string, ShareNode<Leaf>>();
  for (const [name, allocated] of Object.entries(leaves)) {
    const [role = '', framework = ''] = name.split(':');
    const node = tree.add(roleName(role), framework, { name });
    tree.setActive(node, { isActive: true });
    tree.allocated(node, scalars(allocated), { isNew: true });
    nodes.set(name, node);
  }
  const node = (name: string): ShareNode<Leaf> => nodes.get(name) as ShareNode<Leaf>;
  return { tree, node, order: () => tree.inOrder().map((leaf) => leaf.name) };
}

describe('ShareTree', () => {
  it('orders by dominant share, ties by name (oracle of Mesos DRFSorterTest)', () => {
    const { order } = treeOf(
      { cpus: 100, mem: 100 },
      {
        'a:f': { cpus: 5, mem: 5 },
        'b:f': { cpus: 6, mem: 6 },
        'c:f': { cpus: 1, mem: 1 },
        'd:f': { cpus: 3, mem: 1 },
      },
    );

    expect(order()).toEqual(['c:f', 'd:f', 'a:f', 'b:f']);
  });

  it('divides shares by weight (oracle of Mesos WDRFSorterTest)', () => {
    const { tree, order } = treeOf(
      { cpus: 100, mem: 100 },
      { 'a:f': { cpus: 5, mem: 5 }, 'b:f': { cpus: 6, mem: 6 } },
    );

    tree.setWeight(roleName('b'), 2);

    expect(tree.shareOfRole(roleName('a'))).toBe(0.05);
    expect(tree.shareOfRole(roleName('b'))).toBe(0.03);
    expect(order()).toEqual(['b:f', 'a:f']);
  });

  it('keeps the weight of a role that has no frameworks yet', () => {
    const { tree, order } = treeOf({ cpus: 100 }, { 'a:f': { cpus: 5 } });
    tree.setWeight(roleName('b'), 4);

    const node = tree.add(roleName('b'), 'f', { name: 'b:f' });
    tree.setActive(node, { isActive: true });
    tree.allocated(node, scalars({ cpus: 8 }), { isNew: true });

    expect(order()).toEqual(['b:f', 'a:f']);
  });

  it('breaks equal shares by fewer allocations', () => {
    const { tree, node, order } = treeOf({ cpus: 100 }, { 'r:a': { cpus: 5 }, 'r:b': { cpus: 2 } });
    tree.allocated(node('r:b'), scalars({ cpus: 3 }), { isNew: true });

    expect(order()).toEqual(['r:a', 'r:b']);
    tree.allocated(node('r:a'), scalars({}), { isNew: true });
    tree.allocated(node('r:a'), scalars({}), { isNew: true });
    expect(order()).toEqual(['r:b', 'r:a']);
  });

  it('compares roles with their siblings only (oracle of Mesos NestedRoleDRF)', () => {
    const { order } = treeOf(
      { cpus: 100 },
      {
        'a/x:f': { cpus: 1 },
        'a/y:f': { cpus: 40 },
        'b:f': { cpus: 10 },
      },
    );

    // a/x has least of all, but `a` as a whole has more than `b`.
    expect(order()).toEqual(['b:f', 'a/x:f', 'a/y:f']);
  });

  it('lets frameworks of a role compete, as one, with the roles below it', () => {
    const { order } = treeOf(
      { cpus: 100 },
      {
        'a:f': { cpus: 10 },
        'a:g': { cpus: 10 },
        'a/b:f': { cpus: 15 },
      },
    );

    // f and g of `a` have 20 together, more than `a/b`; each alone has less.
    expect(order()).toEqual(['a/b:f', 'a:f', 'a:g']);
  });

  it('weighs roles at any level', () => {
    const { tree, order } = treeOf(
      { cpus: 100 },
      { 'a/x:f': { cpus: 10 }, 'a/y:f': { cpus: 20 }, 'b:f': { cpus: 20 } },
    );
    tree.setWeight(roleName('a'), 2);
    tree.setWeight(roleName('a/y'), 4);

    expect(order()).toEqual(['a/y:f', 'a/x:f', 'b:f']);
  });

  it('counts what inactive leaves have, and never visits them', () => {
    const { tree, node, order } = treeOf(
      { cpus: 100 },
      { 'a:f': { cpus: 30 }, 'a:g': { cpus: 1 }, 'b:f': { cpus: 10 } },
    );

    tree.setActive(node('a:f'), { isActive: false });

    expect(order()).toEqual(['b:f', 'a:g']);
  });

  it('does not count excluded resources', () => {
    const { order } = treeOf(
      { cpus: 100, gpus: 4 },
      { 'a:f': { cpus: 1, gpus: 4 }, 'b:f': { cpus: 2 } },
      ['gpus'],
    );

    expect(order()).toEqual(['a:f', 'b:f']);
  });

  it('forgets a removed framework and what it had', () => {
    const { tree, node, order } = treeOf(
      { cpus: 100 },
      { 'a:f': { cpus: 30 }, 'a:g': { cpus: 1 }, 'b:f': { cpus: 10 } },
    );

    tree.remove(node('a:f'));

    expect(order()).toEqual(['a:g', 'b:f']);
    expect(tree.shareOfRole(roleName('a'))).toBe(0.01);
  });

  it('fills 9 cpus and 18 GB as in the DRF paper: B A A B A', () => {
    const free: Record<string, number> = { cpus: 9, mem: 18 };
    const demand: Record<string, Record<string, number>> = {
      'a:A': { cpus: 1, mem: 4 },
      'a:B': { cpus: 3, mem: 1 },
    };
    // The paper's trace begins with B: A has had an allocation already, of nothing.
    const { tree, node, order } = treeOf(free, { 'a:A': {}, 'a:B': {} });
    tree.allocated(node('a:A'), scalars({}), { isNew: true });
    const launched: string[] = [];

    for (;;) {
      const next = order().find((name) =>
        Object.entries(demand[name] ?? {}).every(([key, amount]) => (free[key] ?? 0) >= amount),
      );
      if (next === undefined) break;
      for (const [key, amount] of Object.entries(demand[next] ?? {})) {
        free[key] = (free[key] ?? 0) - amount;
      }
      tree.allocated(node(next), scalars(demand[next] ?? {}), { isNew: true });
      launched.push(next);
    }

    expect(launched).toEqual(['a:B', 'a:A', 'a:A', 'a:B', 'a:A']);
    expect(free).toEqual({ cpus: 0, mem: 4 });
    expect(tree.shareOf(node('a:A'))).toBeCloseTo(2 / 3);
    expect(tree.shareOf(node('a:B'))).toBeCloseTo(2 / 3);
  });
});

const NAMES = ['a:f', 'a:g', 'a/x:f', 'a/x:g', 'a/y:f', 'b:f', 'b/z/w:f', 'c:f'];
const step = fc.record({
  kind: fc.constantFrom('allocate', 'release', 'activate', 'deactivate', 'totals', 'weight'),
  name: fc.constantFrom(...NAMES),
  amount: fc.integer({ min: 1, max: 50 }),
});

/** The order worked out anew from leaves and what they have: slow and obvious. */
function sortAnew(
  leaves: ReadonlyMap<string, { readonly cpus: number; readonly count: number }>,
  active: ReadonlySet<string>,
  { total, weights }: { readonly total: number; readonly weights: ReadonlyMap<string, number> },
): readonly string[] {
  const pathOf = (name: string): string[] => {
    const [role = '', framework = ''] = name.split(':');
    return [...role.split('/'), '.', framework];
  };
  const keyOf = (prefix: readonly string[]) => {
    const below = [...leaves].filter(([name]) =>
      prefix.every((segment, index) => pathOf(name)[index] === segment),
    );
    const cpus = below.reduce((sum, [, leaf]) => sum + leaf.cpus, 0);
    const count = below.reduce((sum, [, leaf]) => sum + leaf.count, 0);
    return { share: cpus / total / (weights.get(prefix.join('/')) ?? 1), count };
  };
  return [...active].sort((left, right) => {
    const [mine, other] = [pathOf(left), pathOf(right)];
    const depth = mine.findIndex((segment, index) => segment !== other[index]);
    const [a, b] = [keyOf(mine.slice(0, depth + 1)), keyOf(other.slice(0, depth + 1))];
    return (
      a.share - b.share ||
      a.count - b.count ||
      ((mine[depth] ?? '') < (other[depth] ?? '') ? -1 : 1)
    );
  });
}

describe('ShareTree, over random histories', () => {
  it('is at all times in the order a full sort gives', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { tree, node } = treeOf({ cpus: 100 }, Object.fromEntries(NAMES.map((n) => [n, {}])));
        const leaves = new Map(NAMES.map((name) => [name, { cpus: 0, count: 1 }]));
        const active = new Set(NAMES);
        const weights = new Map<string, number>();
        let total = 100;
        for (const { kind, name, amount } of steps) {
          const leaf = leaves.get(name) ?? { cpus: 0, count: 0 };
          if (kind === 'allocate') {
            tree.allocated(node(name), scalars({ cpus: amount }), { isNew: true });
            leaves.set(name, { cpus: leaf.cpus + amount, count: leaf.count + 1 });
          } else if (kind === 'release') {
            const given = Math.min(leaf.cpus, amount);
            tree.released(node(name), scalars({ cpus: given }));
            leaves.set(name, { ...leaf, cpus: leaf.cpus - given });
          } else if (kind === 'activate') {
            tree.setActive(node(name), { isActive: true });
            active.add(name);
          } else if (kind === 'deactivate') {
            tree.setActive(node(name), { isActive: false });
            active.delete(name);
          } else if (kind === 'totals') {
            tree.changeTotals(scalars({ cpus: amount }), 1);
            total += amount;
          } else {
            const role = name.split(':')[0] ?? '';
            tree.setWeight(roleName(role), amount);
            weights.set(role, amount);
          }
          if (kind !== 'totals') tree.inOrder();
        }

        const order = tree.inOrder().map((leaf) => leaf.name);

        expect(order).toEqual(sortAnew(leaves, active, { total, weights }));
        for (let index = 1; index < order.length; index += 1) {
          expect(tree.compare(node(order[index - 1] ?? ''), node(order[index] ?? ''))).toBeLessThan(
            0,
          );
        }
      }),
    );
  });
});
