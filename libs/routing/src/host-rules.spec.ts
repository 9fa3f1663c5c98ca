import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleRoute, sampleSettings } from '../../../test/support/edge-samples.js';
import { type EdgeModel, toEdgeModel } from './edge-model.js';
import { renderConfig } from './render/render-config.js';
import type { Route } from './route-table.js';

const anyCase = (path: string) => ({ path, ignoresCase: true });
const model = (...routes: readonly Route[]): EdgeModel => toEdgeModel({ routes, conflicts: [] });
const route = (extra: Partial<Route>): Route => {
  const { listener: _, ...rest } = sampleRoute(extra);
  return rest;
};

/** What HAProxy does with a request: the first rule that matches, else the maps. */
function backendOf({ structure, maps }: EdgeModel, host: string, path: string): string | undefined {
  const rule = structure.rules.find(
    (one) => isOf(host, one.host) && (one.prefix === undefined || begins(path, one.prefix)),
  );
  if (rule !== undefined) return rule.backend;
  const found = (key: string): string | undefined =>
    [...maps.hosts]
      .filter(([entry]) => (key + path).startsWith(entry))
      .sort(([left], [right]) => right.length - left.length)[0]?.[1];
  const [, wildcard] = [...maps.wildcards].find(([suffix]) => host.endsWith(suffix)) ?? [];
  return found(host) ?? (wildcard === undefined ? undefined : found(wildcard));
}

const isOf = (host: string, pattern: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
const begins = (path: string, prefix: Route['paths'][number]): boolean =>
  prefix.ignoresCase
    ? path.toLowerCase().startsWith(prefix.path.toLowerCase())
    : path.startsWith(prefix.path);

/** Slow and obvious: the most exact host that has the path; of one host the larger weight, then the longer path. */
function expected(routes: readonly Route[], host: string, path: string): string | undefined {
  const candidates = routes.flatMap(({ vhosts, paths, weight, backend }) =>
    vhosts
      .filter((pattern) => isOf(host, pattern))
      .flatMap((pattern) => {
        const exactness = pattern.startsWith('*.') ? pattern.length : 1_000;
        return (paths.length === 0 ? [{ path: '/', ignoresCase: false }] : paths)
          .filter((prefix) => begins(path, prefix))
          .map((prefix) => ({ exactness, weight, length: prefix.path.length, backend }));
      }),
  );
  return candidates.sort(
    (left, right) =>
      right.exactness - left.exactness ||
      right.weight - left.weight ||
      right.length - left.length ||
      (left.backend < right.backend ? -1 : 1),
  )[0]?.backend;
}

describe('a wildcard that is found by rules', () => {
  const wild = route({
    backend: 'wild',
    vhosts: ['*.example'],
    paths: [anyCase('/api')],
    weight: 9,
  });

  it('takes nothing from an exact host of another app', () => {
    const all = model(wild, route({ backend: 'exact', vhosts: ['a.example'] }));

    expect(backendOf(all, 'a.example', '/API/x')).toBe('exact');
    expect(backendOf(all, 'b.example', '/API/x')).toBe('wild');
    expect(backendOf(all, 'b.example', '/')).toBeUndefined();
  });

  it('takes nothing from a longer wildcard, nor from a host whose TLS is passed through', () => {
    const all = model(
      wild,
      route({ backend: 'longer', vhosts: ['*.a.example'] }),
      route({ backend: 'passed', vhosts: ['p.example'], mode: 'tcp', passthrough: true }),
    );

    expect(backendOf(all, 'x.a.example', '/api')).toBe('longer');
    expect(backendOf(all, 'p.example', '/api')).toBe('edge_to_https');
    expect(renderConfig(all, sampleSettings, 'g')).toContain(
      'use_backend edge_to_https if { var(txn.edge_host) -m str p.example }',
    );
  });

  it('leaves hosts that are not below it in the maps', () => {
    const { structure, maps } = model(wild, route({ backend: 'other', vhosts: ['other.net'] }));

    expect(structure.rules.map(({ backend }) => backend)).toEqual(['wild']);
    expect([...maps.hosts]).toEqual([['other.net/', 'other']]);
  });

  it('asks a condition that several hosts share for each exactness by itself', () => {
    const templates = new Map([
      ['HTTP_FRONTEND_ACL_ONLY', 'acl is_{cleanedUpHostname} hdr(host) -m end {hostname}'],
      ['HTTP_FRONTEND_ROUTING_ONLY', 'use_backend {backend} if is_{cleanedUpHostname}'],
    ] as const);
    const text = renderConfig(
      model(
        route({ backend: 'own', vhosts: ['*.example', 'b.example', 'a.example'], templates }),
        route({ backend: 'exact', vhosts: ['c.example'] }),
      ),
      sampleSettings,
      'g',
    );

    expect(
      text
        .slice(text.indexOf('frontend edge_http'))
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => /^(acl|use_backend) (is_|own|exact)/.test(line))
        .slice(0, 6),
    ).toEqual([
      'use_backend exact if { var(txn.edge_host) -m str c.example }',
      'acl is_b_example hdr(host) -m end a.example',
      'acl is_b_example hdr(host) -m end b.example',
      'use_backend own if is_b_example',
      'acl is___example hdr(host) -m end *.example',
      'use_backend own if is___example',
    ]);
  });
});

it('TLS that ends here does so below a wildcard whose TLS is passed through, too', () => {
  const { maps } = model(
    route({ backend: 'passed', vhosts: ['*.example'], mode: 'tcp', passthrough: true }),
    route({ backend: 'exact', vhosts: ['a.example', 'other.net'] }),
    route({ backend: 'longer', vhosts: ['*.b.example'] }),
  );

  expect([...maps.sni]).toEqual([['a.example', 'edge_tls_end']]);
  expect([...maps.sniWildcards]).toEqual([
    ['.b.example', 'edge_tls_end'],
    ['.example', 'passed'],
  ]);
});

it('a longer wildcard takes from a shorter one what a larger weight does not hide there', () => {
  const all = model(
    route({
      backend: 'near',
      vhosts: ['*.a.example'],
      paths: [{ path: '/a', ignoresCase: false }],
    }),
    route({ backend: 'heavy', vhosts: ['*.example'], weight: 2 }),
    route({
      backend: 'hidden',
      vhosts: ['*.example'],
      paths: [{ path: '/b', ignoresCase: false }],
    }),
  );

  expect(backendOf(all, 'c.a.example', '/b')).toBe('heavy');
  expect(backendOf(all, 'c.example', '/b')).toBe('heavy');
  expect(backendOf(all, 'c.a.example', '/a')).toBe('near');
});

it('rules and maps together lead each request to the most exact host that has its path', () => {
  const hosts = [
    'example',
    'a.example',
    'b.a.example',
    '*.example',
    '*.a.example',
    '*.b.a.example',
  ];
  const paths = ['/', '/a', '/a/b', '/A'];
  const anyRoute = fc.record({
    vhosts: fc.uniqueArray(fc.constantFrom(...hosts), { minLength: 1, maxLength: 3 }),
    paths: fc
      .tuple(fc.uniqueArray(fc.constantFrom(...paths), { maxLength: 2 }), fc.boolean())
      .map(([list, ignoresCase]) => list.map((path) => ({ path, ignoresCase }))),
    weight: fc.constantFrom(0, 1, 2),
  });
  const anyRoutes = fc.array(anyRoute, { maxLength: 5 }).map((list) =>
    // Two that ask for the same host and path conflict: only the first has it.
    list
      .map((one, at) => route({ ...one, backend: `b${at}` }))
      .map((one, at, all) => ({
        ...one,
        vhosts: one.vhosts.filter(
          (host) => !all.slice(0, at).some((other) => clashes(host, one, other)),
        ),
      })),
  );
  const asked = fc.tuple(
    fc.constantFrom('example', 'a.example', 'b.a.example', 'c.a.example', 'x.b.a.example', 'z.net'),
    fc.constantFrom('/', '/a', '/a/b/c', '/A/b', '/q'),
  );

  fc.assert(
    fc.property(anyRoutes, fc.array(asked, { minLength: 1 }), (routes, requests) => {
      const all = model(...routes);
      for (const [host, path] of requests) {
        expect(backendOf(all, host, path), `${host}${path}`).toBe(expected(routes, host, path));
      }
    }),
    { numRuns: 400 },
  );
});

const keysOf = ({ paths }: Route): readonly string[] =>
  paths.length === 0
    ? ['/']
    : paths.map(({ path, ignoresCase }) =>
        ignoresCase && path !== '/' ? `${path.toLowerCase()} -i` : path,
      );
const clashes = (host: string, one: Route, other: Route): boolean =>
  other.vhosts.includes(host) && keysOf(one).some((key) => keysOf(other).includes(key));
