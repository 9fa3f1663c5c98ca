import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type App, type AppId, appId, SortedMap } from '#core';
import { anApp } from '../../../test/support/store-fixtures.js';
import {
  claimsOf,
  collide,
  describeClash,
  type RouteClaim,
  RouteClaimIndex,
} from './route-claims.js';

const NONE: ReadonlySet<number> = new Set();

const web = (id: string, labels: Readonly<Record<string, string>>, port = 0): App =>
  anApp(id, { labels, portDefinitions: [{ port, protocol: 'tcp', labels: {} }] });

const indexed = (...apps: readonly App[]): RouteClaimIndex => {
  const index = new RouteClaimIndex();
  index.follow(SortedMap.from(apps.map((app) => [app.id, app])));
  return index;
};

const clashesOf = (declared: App, ...apps: readonly App[]) =>
  indexed(...apps)
    .findClashes({ putApps: [declared], removeApps: [] }, NONE)
    .map(describeClash);

describe('a route is claimed', () => {
  it('by each host, in lower case, with its path, and by the port', () => {
    const app = web(
      '/shop',
      {
        HAPROXY_GROUP: 'a,b',
        HAPROXY_0_VHOST: 'Shop.example, www.example',
        HAPROXY_0_PATH: '/api',
      },
      10_080,
    );

    expect(claimsOf(app)).toEqual([
      { key: 'host shop.example/api', groups: ['a', 'b'], where: '/labels/HAPROXY_0_VHOST' },
      { key: 'host www.example/api', groups: ['a', 'b'], where: '/labels/HAPROXY_0_VHOST' },
      ...['shop.example', 'www.example'].map((host) => ({
        ...{ key: `TLS of host ${host}`, passthrough: false, groups: ['a', 'b'] },
        where: '/labels/HAPROXY_0_PATH',
      })),
      { key: 'port 10080', address: '*', groups: ['a', 'b'], where: '/portDefinitions(0)/port' },
    ]);
  });

  it('not by what asks for no route, is switched off, or ends by itself', () => {
    const hosts = { HAPROXY_0_VHOST: 'shop.example' };

    expect(claimsOf(web('/plain', { tier: 'db' }, 10_080))).toEqual([]);
    expect(claimsOf(web('/off', { ...hosts, HAPROXY_0_ENABLED: 'false' }, 10_080))).toEqual([]);
    expect(claimsOf(web('/bad', { HAPROXY_0_BIND_ADDR: 'here' }, 10_080))).toEqual([]);
    expect(claimsOf({ ...web('/job', hosts, 10_080), workload: 'job' })).toEqual([]);
  });
});

describe('a change', () => {
  const shop = web('/shop', { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'shop.example' }, 10_001);

  it('is told of the app that has the host, with the label', () => {
    const other = web(
      '/copy',
      { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'SHOP.example' },
      10_002,
    );

    expect(clashesOf(other, shop)).toEqual([
      '/copy: host shop.example is already claimed by /shop (labels/HAPROXY_0_VHOST)',
    ]);
  });

  it('is told of the port, whether it comes from a label or a service port', () => {
    const other = web('/copy', { HAPROXY_GROUP: 'external', HAPROXY_0_PORT: '10001' }, 10_002);

    expect(clashesOf(other, shop)).toEqual([
      '/copy: port 10001 is already claimed by /shop (portDefinitions(0)/port)',
    ]);
  });

  it('may have on routers of its own what others have on theirs; those without a group are on all that count', () => {
    const hosts = { HAPROXY_0_VHOST: 'shop.example' };

    expect(clashesOf(web('/in', { ...hosts, HAPROXY_GROUP: 'internal' }, 10_002), shop)).toEqual(
      [],
    );
    expect(clashesOf(web('/all', { ...hosts, HAPROXY_GROUP: '*' }, 10_002), shop)).toHaveLength(1);
    expect(clashesOf(web('/none', hosts, 10_002), shop)).toHaveLength(1);
  });

  it('may have another path, and what a blue and a green app share', () => {
    const path = {
      HAPROXY_GROUP: 'external',
      HAPROXY_0_VHOST: 'shop.example',
      HAPROXY_0_PATH: '/api',
    };
    const coloured = (id: string, port: number) =>
      web(id, { HAPROXY_0_VHOST: 'a.example', HAPROXY_DEPLOYMENT_GROUP: 'shop' }, port);

    expect(clashesOf(web('/api', path, 10_002), shop)).toEqual([]);
    expect(clashesOf(coloured('/green', 10_003), coloured('/blue', 10_002))).toEqual([]);
  });

  it('may not pass through the TLS of a host that another app has a path of, and the other way round', () => {
    const host = { HAPROXY_0_VHOST: 'a.example' };
    const passed = web('/passed', { ...host, HAPROXY_0_SSL_PASSTHROUGH: 'true' });
    const [path, other] = ['/path', '/other'].map((id) =>
      web(id, { ...host, HAPROXY_0_PATH: id }),
    ) as [App, App];

    expect(clashesOf(other, path)).toEqual([]);
    expect(clashesOf(passed, path)).toEqual([
      '/passed: TLS of host a.example is already claimed by /path (labels/HAPROXY_0_PATH)',
    ]);
    expect(clashesOf(path, passed)).toEqual([
      '/path: TLS of host a.example is already claimed by /passed (labels/HAPROXY_0_SSL_PASSTHROUGH)',
    ]);
    expect(indexed(other, passed, path).everyClash(NONE).map(describeClash)).toHaveLength(2);
    expect(indexed(other, path).everyClash(NONE)).toEqual([]);
  });

  it('is not held against the former version of an app, nor against what goes with it', () => {
    const moved = web('/moved', shop.labels, 10_001);
    const index = indexed(shop);

    expect(clashesOf({ ...shop, cmd: 'true' }, shop)).toEqual([]);
    expect(index.findClashes({ putApps: [moved], removeApps: [shop.id] }, NONE)).toEqual([]);
  });

  it('keeps what an app already shares, and says so', () => {
    const copy = web('/copy', shop.labels, 10_002);
    const edited = { ...copy, cmd: 'true' };

    const found = indexed(shop, copy).findClashes({ putApps: [edited], removeApps: [] }, NONE);

    expect(found.map(({ isNew }) => isNew)).toEqual([false]);
  });

  it('that adds no clash to those there are is let through, one that adds one is not', () => {
    const copy = web('/copy', { ...shop.labels, HAPROXY_0_BIND_ADDR: '10.0.0.1' }, 10_001);
    const third = web('/third', { HAPROXY_GROUP: 'internal', HAPROXY_0_VHOST: 'shop.example' }, 9);
    const labels = { ...copy.labels, HAPROXY_0_BIND_ADDR: '10.0.0.2', note: 'edited' };
    const find = (edited: App, ...reserved: readonly number[]) =>
      indexed(shop, copy, third)
        .findClashes({ putApps: [edited], removeApps: [] }, new Set(reserved))
        .map(({ isNew, other, claim }) => [claim.key, isNew, other?.appId]);

    expect(find(web('/copy', labels, 10_001))).toEqual([
      ['host shop.example', false, '/shop'],
      ['port 10001', false, '/shop'],
    ]);
    expect(find(web('/copy', { ...labels, HAPROXY_GROUP: 'external,mine' }, 10_001))).toEqual([
      ['host shop.example', false, '/shop'],
      ['port 10001', false, '/shop'],
    ]);
    expect(find(web('/copy', { ...labels, HAPROXY_GROUP: 'external,internal' }, 10_002))).toEqual([
      ['host shop.example', true, '/third'],
    ]);
    expect(find(web('/third', { ...third.labels, HAPROXY_GROUP: 'mine' }, 9), 9)).toEqual([
      ['port 9', false, undefined],
    ]);
  });

  it('is not taken from an app that stands behind the new one in the same change', () => {
    const labels = { HAPROXY_0_VHOST: 'shop.example' };
    const there = web('/b', labels);
    const edited = web('/b', { ...labels, note: 'edited' });
    const index = indexed(there);

    for (const again of [there, edited]) {
      const change = { putApps: [web('/a', labels), again], removeApps: [] };

      const found = index.findClashes(change, NONE).filter(({ isNew }) => isNew);

      expect(found.map(({ appId: id, other }) => [id, other?.appId])).toEqual([['/a', '/b']]);
    }
  });

  it('may not have two of its own apps collide, nor a reserved port', () => {
    const one = web('/one', { HAPROXY_0_VHOST: 'new.example', HAPROXY_0_PORT: '9090' }, 10_001);
    const two = web('/two', { HAPROXY_0_VHOST: 'new.example' }, 10_002);

    const found = indexed().findClashes({ putApps: [one, two], removeApps: [] }, new Set([9090]));

    expect(found.map(describeClash)).toEqual([
      '/one: port 9090 is reserved for the edge or a daemon',
      '/two: host new.example is already claimed by /one (labels/HAPROXY_0_VHOST)',
    ]);
  });
});

/** What an app claimed before, unchanged, is not for others of the same change, wherever they stand in it. */
const claimsHeld = (before: App | undefined, now: App) =>
  claimsOf(now).filter((claim) => isHeld(before, claim));

const isHeld = (before: App | undefined, claim: RouteClaim): boolean =>
  before !== undefined && claimsOf(before).some((one) => identityOf(one) === identityOf(claim));

const identityOf = ({ where, groups, ...rest }: RouteClaim): string =>
  JSON.stringify([[...groups].sort(), Object.entries(rest).sort()]);

/** Every pair of apps. */
function slowly(
  before: ReadonlyMap<AppId, App>,
  putApps: readonly App[],
  gone: ReadonlySet<AppId>,
) {
  const put = new Map(putApps.map((app) => [app.id, app]));
  const after = new Map([...before].filter(([id]) => !gone.has(id) && !put.has(id)));
  const found: string[] = [];
  const declared: App[] = [];
  for (const app of put.values()) {
    if (before.get(app.id) !== app) {
      for (const claim of claimsOf(app)) {
        const others = [...put.values()].filter(({ id }) => id !== app.id);
        const held = others.flatMap((other) => claimsHeld(before.get(other.id), other));
        const rivals = [
          ...[...after.values(), ...declared].flatMap(claimsOf),
          ...(isHeld(before.get(app.id), claim) ? [] : held),
        ];
        if (rivals.some((rival) => rival.key === claim.key && collide(rival, claim)))
          found.push(`${app.id} ${claim.key} ${claim.address ?? ''}`);
      }
    }
    declared.push(app);
  }
  return found.sort();
}

it('the index finds what a look at every pair of apps finds, whichever versions it is asked about', () => {
  const ids = Array.from({ length: 12 }, (_, index) => `/app-${index}`);
  const anyLabels = fc.record(
    {
      HAPROXY_GROUP: fc.constantFrom('', 'a', 'b', 'a,b', '*'),
      HAPROXY_0_VHOST: fc.constantFrom('', 'x.example', 'y.example', 'x.example,y.example'),
      HAPROXY_0_PATH: fc.constantFrom('/', '/api'),
      HAPROXY_0_SSL_PASSTHROUGH: fc.constantFrom('true', 'false'),
      HAPROXY_0_PORT: fc.constantFrom('80', '10001', 'none'),
      HAPROXY_0_ENABLED: fc.constantFrom('true', 'no'),
      HAPROXY_DEPLOYMENT_GROUP: fc.constantFrom('', 'blue-green'),
    },
    { requiredKeys: [] },
  );
  const anyWeb = fc
    .tuple(fc.constantFrom(...ids), anyLabels, fc.constantFrom(10_001, 10_002, 10_003))
    .map(([id, labels, port]) => web(id, labels as Record<string, string>, port));
  const anyChange = fc.record({
    put: fc.array(anyWeb, { maxLength: 4 }),
    gone: fc.array(fc.constantFrom(...ids), { maxLength: 2 }),
    isUndone: fc.boolean(),
  });

  fc.assert(
    fc.property(fc.array(anyChange, { minLength: 1, maxLength: 12 }), (changes) => {
      const index = new RouteClaimIndex();
      let apps = SortedMap.from<AppId, App>(
        Array.from({ length: 400 }, (_, at) => [appId(`/b-${at}`), anApp(`/b-${at}`)]),
      );
      for (const { put, gone, isUndone } of changes) {
        const putApps = [...new Map(put.map((app) => [app.id, app])).values()];
        const putIds = new Set(putApps.map(({ id }) => id));
        const removeApps = gone.map(appId).filter((id) => !putIds.has(id));

        index.follow(apps);
        const found = index
          .findClashes({ putApps, removeApps }, NONE)
          .map(({ appId: id, claim }) => `${id} ${claim.key} ${claim.address ?? ''}`);

        expect([...found].sort()).toEqual(slowly(apps, putApps, new Set(removeApps)));
        let next = apps;
        for (const id of removeApps) next = next.without(id);
        for (const app of putApps) next = next.with(app.id, app);
        index.follow(next);
        if (!isUndone) apps = next;
      }
    }),
    { numRuns: 60 },
  );
});

it('a change costs what it touches, however much is declared', () => {
  const looks = (count: number): number => {
    let read = 0;
    const apps = Array.from({ length: count }, (_, at): App => {
      const app = web(`/app-${String(at).padStart(6, '0')}`, {}, 10_000 + at);
      const labels = new Proxy({ HAPROXY_GROUP: 'a' } as Record<string, string>, {
        ownKeys: (target) => {
          read += 1;
          return Reflect.ownKeys(target);
        },
      });
      return { ...app, labels };
    });
    const known = SortedMap.from<AppId, App>(apps.map((app) => [app.id, app]));
    const index = new RouteClaimIndex();
    index.follow(known);
    read = 0;
    const added = web('/app-000500-new', { HAPROXY_GROUP: 'a' }, 9);
    index.findClashes({ putApps: [added], removeApps: [] }, NONE);
    index.follow(known.with(added.id, added));
    return read;
  };

  expect(looks(10_000)).toBeLessThanOrEqual(looks(1_000));
});
