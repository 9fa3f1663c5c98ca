import { describe, expect, it } from 'vitest';
import { decodeResources, encodeResources, fromWireResources } from './resource-codec.js';
import type { WireResource } from './values.js';

const scalar = (value: number, more: Partial<WireResource> = {}): WireResource => ({
  name: 'cpus',
  type: 'SCALAR',
  scalar: { value },
  ...more,
});

describe('decodeResources', () => {
  it('takes the old and the refined form of a static reservation for the same', () => {
    const old = decodeResources([scalar(1, { role: 'db' })]);
    const refined = decodeResources([
      scalar(1, { reservations: [{ type: 'STATIC', role: 'db' }] }),
    ]);

    expect(old).toEqual(refined);
    expect(encodeResources(old, { isRefined: false })).toEqual([scalar(1, { role: 'db' })]);
    expect(encodeResources(old, { isRefined: true })).toEqual([
      scalar(1, { reservations: [{ type: 'STATIC', role: 'db' }] }),
    ]);
  });

  it('takes the old and the refined form of a dynamic reservation for the same', () => {
    const reservation = {
      principal: 'ops',
      labels: { labels: [{ key: 'app', value: 'x' }] },
    };
    const old = [scalar(2, { role: 'db', reservation })];
    const refined = [
      scalar(2, { reservations: [{ type: 'DYNAMIC', role: 'db', ...reservation }] }),
    ];

    expect(decodeResources(old)).toEqual(decodeResources(refined));
    expect(encodeResources(decodeResources(refined), { isRefined: false })).toEqual(old);
    expect(encodeResources(decodeResources(old), { isRefined: true })).toEqual(refined);
  });

  it('keeps unreserved, reserved, revocable and volumes apart, and adds up what is alike', () => {
    const volume: WireResource = {
      name: 'disk',
      type: 'SCALAR',
      scalar: { value: 10 },
      role: 'db',
      reservation: { principal: 'ops' },
      disk: {
        persistence: { id: 'v1', principal: 'ops' },
        volume: { mode: 'RW', container_path: 'data' },
      },
    };
    const wire = [
      scalar(1, { role: '*' }),
      scalar(2),
      scalar(3, { role: 'db' }),
      scalar(4, { revocable: {} }),
      volume,
    ];

    expect(encodeResources(decodeResources(wire), { isRefined: false })).toEqual([
      scalar(3, { role: '*' }),
      scalar(3, { role: 'db' }),
      scalar(4, { role: '*', revocable: {} }),
      volume,
    ]);
    expect(fromWireResources(wire)).toEqual({
      scalars: { cpus: 10_000, disk: 10_000 },
      ranges: {},
    });
  });

  it('says to whom an amount is allocated', () => {
    expect(
      encodeResources(
        { scalars: {}, ranges: { ports: [{ begin: 1, end: 2 }] } },
        { isRefined: true, allocatedTo: 'eng' },
      ),
    ).toEqual([
      {
        name: 'ports',
        type: 'RANGES',
        ranges: { range: [{ begin: 1, end: 2 }] },
        allocation_info: { role: 'eng' },
      },
    ]);
  });
});
