import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DrfSorter } from './drf-sorter.js';

function sorterOf(
  totals: Readonly<Record<string, number>>,
  clients: Readonly<Record<string, Readonly<Record<string, number>>>>,
): DrfSorter {
  const sorter = new DrfSorter(new Map(Object.entries(totals)));
  for (const [name, allocated] of Object.entries(clients)) {
    sorter.add(name);
    sorter.activate(name);
    sorter.allocated(name, allocated, { isNew: true });
  }
  return sorter;
}

describe('DrfSorter', () => {
  it('orders by dominant share, ties by name (oracle of Mesos DRFSorterTest)', () => {
    const sorter = sorterOf(
      { cpus: 100, mem: 100 },
      {
        a: { cpus: 5, mem: 5 },
        b: { cpus: 6, mem: 6 },
        c: { cpus: 1, mem: 1 },
        d: { cpus: 3, mem: 1 },
      },
    );

    expect([...sorter.inOrder()]).toEqual(['c', 'd', 'a', 'b']);
  });

  it('divides shares by weight (oracle of Mesos WDRFSorterTest)', () => {
    const sorter = sorterOf(
      { cpus: 100, mem: 100 },
      { a: { cpus: 5, mem: 5 }, b: { cpus: 6, mem: 6 } },
    );

    sorter.setWeight('b', 2);

    expect(sorter.share('a')).toBe(0.05);
    expect(sorter.share('b')).toBe(0.03);
    expect([...sorter.inOrder()]).toEqual(['b', 'a']);
  });

  it('breaks equal shares by fewer allocations', () => {
    const sorter = sorterOf({ cpus: 100 }, { a: { cpus: 5 }, b: { cpus: 2 } });
    sorter.allocated('b', { cpus: 3 }, { isNew: true });

    expect([...sorter.inOrder()]).toEqual(['a', 'b']);
    sorter.allocated('a', {}, { isNew: true });
    sorter.allocated('a', {}, { isNew: true });
    expect([...sorter.inOrder()]).toEqual(['b', 'a']);
  });

  it('fills 9 cpus and 18 GB as in the DRF paper: A gets 3 tasks, B gets 2', () => {
    const free: Record<string, number> = { cpus: 9, mem: 18 };
    const demand: Record<string, Record<string, number>> = {
      A: { cpus: 1, mem: 4 },
      B: { cpus: 3, mem: 1 },
    };
    const sorter = sorterOf(free, { A: {}, B: {} });
    const launched: string[] = [];

    for (;;) {
      const next = [...sorter.inOrder()].find((name) =>
        Object.entries(demand[name] ?? {}).every(([key, amount]) => (free[key] ?? 0) >= amount),
      );
      if (next === undefined) break;
      for (const [key, amount] of Object.entries(demand[next] ?? {})) {
        free[key] = (free[key] ?? 0) - amount;
      }
      sorter.allocated(next, demand[next] ?? {}, { isNew: true });
      launched.push(next);
    }

    expect(launched.filter((name) => name === 'A')).toHaveLength(3);
    expect(launched.filter((name) => name === 'B')).toHaveLength(2);
    expect(free).toEqual({ cpus: 0, mem: 4 });
  });

  it('is at all times in the order a full sort gives', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const step = fc.record({
      kind: fc.constantFrom('allocate', 'release', 'activate', 'deactivate', 'totals', 'weight'),
      name: fc.constantFrom(...names),
      amount: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const totals = new Map([['cpus', 100]]);
        const sorter = new DrfSorter(totals);
        const active = new Set<string>();
        for (const name of names) sorter.add(name);
        for (const { kind, name, amount } of steps) {
          if (kind === 'allocate') sorter.allocated(name, { cpus: amount }, { isNew: true });
          if (kind === 'release') sorter.released(name, { cpus: amount });
          if (kind === 'weight') sorter.setWeight(name, amount);
          if (kind === 'activate') {
            sorter.activate(name);
            active.add(name);
          }
          if (kind === 'deactivate') {
            sorter.deactivate(name);
            active.delete(name);
          }
          if (kind === 'totals') {
            totals.set('cpus', amount);
            sorter.totalsChanged();
          }
        }
        const order = [...sorter.inOrder()];
        expect(new Set(order)).toEqual(active);
        for (let index = 1; index < order.length; index += 1) {
          expect(sorter.compare(order[index - 1] ?? '', order[index] ?? '')).toBeLessThan(0);
          expect(sorter.share(order[index - 1] ?? '')).toBeLessThanOrEqual(
            sorter.share(order[index] ?? ''),
          );
        }
      }),
    );
  });
});
