import { describe, expect, it } from 'vitest';
import type { EdgeServer } from '#routing';
import { type AppliedEdge, settleLook } from './applied-edge.js';

const server = (name: string, weight = 1): EdgeServer => ({
  ...{ name, address: '127.0.0.1', port: 1, weight },
  state: 'ready',
});
const servers = (...list: readonly EdgeServer[]) => new Map(list.map((one) => [one.name, one]));
const applied = (
  backends: Readonly<Record<string, ReadonlyMap<string, EdgeServer>>>,
  extra: Partial<AppliedEdge> = {},
): AppliedEdge => ({
  ...{ workerPid: 1, mark: 'm', backends: new Set(Object.keys(backends)), maps: {} },
  servers: new Map(Object.entries(backends)),
  ...extra,
});

describe('settleLook', () => {
  it('takes what HAProxy has where nothing was changed meanwhile, and what is believed elsewhere', () => {
    const [a, b] = [servers(server('a')), servers(server('b'))];
    const before = applied({ a, b });
    const changed = servers(server('b', 9));
    const found = applied({ a: servers(server('a', 7)), b: servers(server('b')) });

    const settled = settleLook({ found, before }, applied({ a, b: changed }));

    expect(settled?.servers.get('a')?.get('a')?.weight).toBe(7);
    expect(settled?.servers.get('b')).toBe(changed);
  });

  it('has the objects of what is believed where that is right', () => {
    const a = servers(server('a'));
    const before = applied({ a });

    const settled = settleLook({ found: applied({ a: servers(server('a')) }), before }, before);

    expect(settled?.servers.get('a')).toBe(a);
  });

  it('sees what is gone and what is new', () => {
    const before = applied({ a: servers(server('a')) });

    const settled = settleLook({ found: applied({ b: servers(server('b')) }), before }, before);

    expect([...(settled?.servers.keys() ?? [])]).toEqual(['b']);
  });

  it('says nothing of another worker', () => {
    const before = applied({});
    expect(settleLook({ found: applied({}, { workerPid: 2 }), before }, before)).toBeUndefined();
    const reloaded = applied({}, { workerPid: 2 });
    expect(settleLook({ found: before, before }, reloaded)).toBeUndefined();
  });
});
