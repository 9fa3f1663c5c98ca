import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentsWithoutReload } from './contents-without-reload.js';
import type { EdgeMaps } from './edge-maps.js';
import type { EdgeModel } from './edge-model.js';
import { planEdgeUpdate } from './plan-edge-update.js';

const NOTHING: ReadonlyMap<string, string> = new Map();
const mapsOf = (hosts: Readonly<Record<string, string>>): EdgeMaps => ({
  ...{ wildcards: NOTHING, sni: NOTHING, sniWildcards: NOTHING, ports: NOTHING, apps: NOTHING },
  hosts: new Map(Object.entries(hosts)),
});
const modelOf = (hosts: Readonly<Record<string, string>>): EdgeModel => ({
  structure: { routes: [], rules: [] },
  servers: new Map(),
  maps: mapsOf(hosts),
});
const backendArbitrary = fc.constantFrom<string>('b1', 'b2', 'b3');
const hostsArbitrary = fc.dictionary(fc.constantFrom('h1/', 'h2/', 'h3/x'), backendArbitrary);

describe('contentsWithoutReload', () => {
  it('moves a host to a backend that exists, and only then', () => {
    const maps = mapsOf({ 'web.example/': 'old' });
    const model = modelOf({ 'web.example/': 'new' });
    const running = { maps, isSameStructure: false };

    const before = contentsWithoutReload(model, { ...running, backends: new Set(['old']) });
    const after = contentsWithoutReload(model, { ...running, backends: new Set(['old', 'new']) });

    expect(before.maps).toEqual(maps);
    expect(after.maps).toEqual(model.maps);
  });

  it('takes a host out at once when no reload is to come', () => {
    const running = { maps: mapsOf({ 'web.example/': 'web' }), backends: new Set(['web']) };

    const now = contentsWithoutReload(modelOf({}), { ...running, isSameStructure: true });

    expect(now.maps.hosts.size).toBe(0);
  });

  it('lets a longer wildcard wait for the backend it leads to: until then the shorter one answers', () => {
    const wild = (hosts: Readonly<Record<string, string>>, ...list: readonly string[]) => ({
      ...mapsOf(hosts),
      wildcards: new Map(list.map((host) => [host.slice(1), host])),
    });
    const maps = wild({ '*.example/': 'short' }, '*.example');
    const wanted = wild(
      { '*.example/': 'short', '*.a.example/': 'long', '*.a.example/api': 'short' },
      ...['*.a.example', '*.example'],
    );
    const model = { ...modelOf({}), maps: wanted };
    const running = { maps, isSameStructure: false };

    const before = contentsWithoutReload(model, { ...running, backends: new Set(['short']) });
    const after = contentsWithoutReload(model, {
      ...running,
      backends: new Set(['short', 'long']),
    });

    expect(before.maps.wildcards).toEqual(maps.wildcards);
    expect([...after.maps.wildcards]).toEqual([...wanted.wildcards]);
  });

  it('keeps the order of wildcards, of which the first match counts', () => {
    const hosts = { '*.a.b.example/': 'b', '*.long.a.b.example/': 'b', '*.b.example/': 'b' };
    const model = modelOf(hosts);
    const wildcards = new Map([['.a.b.example', '*.a.b.example']]);
    const running = new Map([
      ['.long.a.b.example', '*.long.a.b.example'],
      ['.b.example', '*.b.example'],
    ]);

    const { maps } = contentsWithoutReload(
      { ...model, maps: { ...model.maps, wildcards } },
      {
        maps: { ...mapsOf(hosts), wildcards: running },
        backends: new Set(['b']),
        isSameStructure: false,
      },
    );

    expect([...maps.wildcards.keys()]).toEqual(['.long.a.b.example', '.a.b.example', '.b.example']);
  });

  it('deletes no host whose backend still exists before the reload, and points none to a missing one', () => {
    fc.assert(
      fc.property(
        hostsArbitrary,
        hostsArbitrary,
        fc.uniqueArray(backendArbitrary),
        (wanted, applied, existing) => {
          const backends = new Set(existing);
          const maps = mapsOf(applied);
          const running = { maps, backends, isSameStructure: false };

          const contents = contentsWithoutReload(modelOf(wanted), running);

          const deleted = planEdgeUpdate({ servers: new Map(), maps }, contents).flatMap(
            (command) => (command.kind === 'delete-entry' ? [maps.hosts.get(command.key)] : []),
          );
          expect(deleted.filter((backend) => backends.has(backend ?? ''))).toEqual([]);
          expect(
            [...contents.maps.hosts.values()].filter((backend) => !backends.has(backend)),
          ).toEqual([]);
        },
      ),
    );
  });
});
