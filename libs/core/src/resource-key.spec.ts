import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatKey,
  nameOfKey,
  plainTraits,
  type ResourceTraits,
  reservedRole,
  resourceKey,
  traitsOfKey,
} from './resource-key.js';
import {
  addResources,
  containsResources,
  formatResources,
  quantitiesOf,
  selectResources,
} from './resources.js';

const reserved: ResourceTraits = {
  reservations: [
    { type: 'STATIC', role: 'eng' },
    { type: 'DYNAMIC', role: 'eng/dev', principal: 'ops', labels: [{ key: 'a', value: 'b' }] },
  ],
  isRevocable: false,
};
const volume = { id: 'v1', containerPath: 'data', mode: 'RW' } as const;

describe('resourceKey', () => {
  it('is the name alone for plain resources', () => {
    expect(resourceKey('cpus', plainTraits)).toBe('cpus');
    expect(traitsOfKey('cpus')).toEqual(plainTraits);
    expect(reservedRole('cpus')).toBeUndefined();
  });

  it('reads back what was put in', () => {
    const key = resourceKey('disk', { ...reserved, volume });

    expect(nameOfKey(key)).toBe('disk');
    expect(traitsOfKey(key)).toEqual({ ...reserved, volume });
    expect(reservedRole(key)).toBe('eng/dev');
    expect(formatKey(key)).toBe('disk(eng/dev)[v1:data]');
  });

  it('is one text for one meaning, whatever the order of fields', () => {
    const left = resourceKey('cpus', {
      reservations: [{ role: 'a', type: 'DYNAMIC', principal: 'p' }],
      isRevocable: true,
    });
    const right = resourceKey('cpus', {
      isRevocable: true,
      reservations: [{ principal: 'p', type: 'DYNAMIC', role: 'a' }],
    });

    expect(left).toBe(right);
  });

  it('round-trips for any role, principal and path', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (role, principal, containerPath) => {
        const traits: ResourceTraits = {
          reservations: [{ type: 'DYNAMIC', role, principal }],
          volume: { id: role, containerPath, mode: 'RO' },
          isRevocable: true,
        };

        expect(traitsOfKey(resourceKey('disk', traits))).toEqual(traits);
      }),
    );
  });
});

describe('resources of different traits', () => {
  const key = resourceKey('cpus', reserved);
  const both = addResources(
    { scalars: { cpus: 1000 }, ranges: {} },
    { scalars: { [key]: 2000 }, ranges: {} },
  );

  it('do not stand in for each other', () => {
    expect(containsResources(both, { scalars: { cpus: 1500 }, ranges: {} })).toBe(false);
    expect(formatResources(both)).toBe('cpus:1;cpus(eng/dev):2');
  });

  it('count together as quantities', () => {
    expect([...quantitiesOf(both)]).toEqual([['cpus', 3000]]);
    expect(selectResources(both, (one) => reservedRole(one) !== undefined)).toEqual({
      scalars: { [key]: 2000 },
      ranges: {},
    });
  });
});
