import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parentName } from './dns-name.js';
import { type DnsRecord, dataTextOf } from './dns-record.js';
import { DnsZone } from './dns-zone.js';

const a = (name: string, data: string): DnsRecord => ({ name, type: 'A', data });
const put = (zone: DnsZone, source: string, records: readonly DnsRecord[]) =>
  zone.put(source, { records, claims: [] });

describe('DnsZone', () => {
  it('tells what came and went, and nothing where nothing changed', () => {
    const zone = new DnsZone();
    const [one, two, three] = [a('x.p', '1.1.1.1'), a('x.p', '2.2.2.2'), a('y.p', '3.3.3.3')];
    put(zone, '/x', [one, two]);

    expect(put(zone, '/x', [two, one])).toEqual({ added: [], removed: [] });
    expect(put(zone, '/x', [two, three])).toEqual({ added: [three], removed: [one] });
    expect(zone.find('x.p', 'A')).toEqual([two]);
  });

  it('has a record of two sources once, until both have dropped it', () => {
    const zone = new DnsZone();
    put(zone, '/x', [a('x.p', '1.1.1.1')]);

    expect(put(zone, '/y', [a('x.p', '1.1.1.1')])).toEqual({ added: [], removed: [] });
    zone.remove('/x');
    expect(zone.find('x.p', 'A')).toHaveLength(1);
    zone.remove('/y');
    expect(zone.has('x.p')).toBe(false);
    expect(zone.has('p')).toBe(false);
  });

  it('tells of names two sources claim, as long as they do', () => {
    const zone = new DnsZone();
    const claim = (source: string, claims: readonly string[]) =>
      zone.put(source, { records: [a('x.p', '1.1.1.1')], claims });
    claim('/b', ['x.p', 'x.m']);
    claim('/a', ['x.p']);

    expect(zone.conflicts).toEqual([{ name: 'x.p', sources: ['/a', '/b'] }]);
    claim('/b', ['x.m']);
    expect(zone.conflicts).toEqual([]);
  });

  it('is what a slow, obvious zone is, after any changes', () => {
    const label = fc.constantFrom('a', 'b', 'c');
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
    const record = fc.tuple(name, fc.constantFrom('1.1.1.1', '2.2.2.2', '3.3.3.3'));
    const change = fc.tuple(fc.constantFrom('/1', '/2', '/3'), fc.array(record, { maxLength: 6 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const zone = new DnsZone();
        const model = new Map<string, readonly DnsRecord[]>();
        for (const [source, pairs] of changes) {
          const records = pairs.map(([one, address]) => a(one, address));
          put(zone, source, records);
          model.set(source, records);
        }
        const wanted = new Set(
          [...model.values()].flat().map((one) => `${one.name} ${dataTextOf(one)}`),
        );

        const found = [...zone.all()].map((one) => `${one.name} ${dataTextOf(one)}`);
        expect(found).toHaveLength(wanted.size);
        expect(new Set(found)).toEqual(wanted);
        expect(zone.size).toBe(wanted.size);
        const names = new Set<string>();
        for (const { name: one } of [...model.values()].flat()) {
          for (let at: string | undefined = one; at !== undefined; at = parentName(at))
            names.add(at);
          for (const other of zone.find(one, 'A')) expect(other.name).toBe(one);
        }
        for (const one of ['a', 'b', 'c', 'a.a', 'a.b', 'b.a', 'c.b.a', 'a.b.c', 'a.a.a.a']) {
          expect(zone.has(one)).toBe(names.has(one));
        }
      }),
    );
  });
});
