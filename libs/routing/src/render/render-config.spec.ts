import { parse, print } from 'haproxy-config-parser';
import { describe, expect, it } from 'vitest';
import {
  sampleEndpoint,
  sampleRoute,
  sampleSettings,
} from '../../../../test/support/edge-samples.js';
import { toEdgeModel } from '../edge-model.js';
import type { Route } from '../route-table.js';
import { renderConfig, renderMap, renderStructure } from './render-config.js';

const endpoints = [sampleEndpoint(31_000), sampleEndpoint(31_001, 'draining')];
const route = (extra: Partial<Route> = {}): Route =>
  sampleRoute({ vhosts: ['web.example'], endpoints, ...extra });
const model = (...routes: Route[]) => toEdgeModel({ routes, conflicts: [] });
const linesOf = (text: string): readonly string[] => text.split('\n').map((line) => line.trim());

describe('renderConfig', () => {
  it('lists servers, draining ones disabled, weights where they differ', () => {
    const weighted = [...endpoints, sampleEndpoint(31_002, 'ready', 50)];

    const lines = linesOf(
      renderConfig(model(route({ endpoints: weighted })), sampleSettings, 'g1'),
    );

    expect(lines).toContain('server 127.0.0.1_31000 127.0.0.1:31000');
    expect(lines).toContain('server 127.0.0.1_31001 127.0.0.1:31001 disabled');
    expect(lines).toContain('server 127.0.0.1_31002 127.0.0.1:31002 weight 50');
    expect(lines).toContain('description pacer-generation-g1');
  });

  it('puts hosts, paths and wildcards in maps', () => {
    const path = (text: string) => [{ path: text, ignoresCase: false }];
    const { maps, structure } = model(
      route({ vhosts: ['web.example', '*.web.example'] }),
      route({ backend: 'a_1', paths: path('/a'), weight: 1, vhosts: ['x.example'] }),
      route({ backend: 'b_2', paths: path('/a/b'), weight: 1, vhosts: ['x.example'] }),
    );

    expect(renderMap('hosts', maps.hosts)).toBe(
      '*.web.example/ web_10000\nweb.example/ web_10000\nx.example/a a_1\nx.example/a/b b_2\n',
    );
    expect(renderMap('wildcards', maps.wildcards)).toBe('.web.example *.web.example\n');
    expect(structure.rules).toEqual([]);
  });

  it('leaves a longer path out that a larger weight of a shorter one hides', () => {
    const { maps } = model(
      route({ backend: 'a_1', paths: [{ path: '/a', ignoresCase: false }], weight: 5 }),
      route({ backend: 'b_2', paths: [{ path: '/a/b', ignoresCase: false }], weight: 1 }),
    );

    expect([...maps.hosts]).toEqual([['web.example/a', 'a_1']]);
  });

  it('writes rules for hosts with a path in any case, larger weight first, then the longer path', () => {
    const wanted = model(
      route({ backend: 'whole_1' }),
      route({ backend: 'any_2', paths: [{ path: '/A', ignoresCase: true }], weight: 1 }),
      route({ backend: 'long_3', paths: [{ path: '/a/b', ignoresCase: false }], weight: 1 }),
    );

    const rules = linesOf(renderConfig(wanted, sampleSettings, 'g')).filter((line) =>
      line.startsWith('use_backend'),
    );

    expect(wanted.maps.hosts.size).toBe(0);
    expect(rules.slice(1, 4)).toEqual([
      'use_backend long_3 if { var(txn.edge_host) -m str web.example } { path_beg -- /a/b }',
      'use_backend any_2 if { var(txn.edge_host) -m str web.example } { path_beg -i -- /A }',
      'use_backend whole_1 if { var(txn.edge_host) -m str web.example }',
    ]);
  });

  it('takes for a longer wildcard what only the shorter one has', () => {
    const { maps } = model(
      route({ backend: 'short_1', vhosts: ['*.example'] }),
      route({
        backend: 'long_2',
        vhosts: ['*.a.example'],
        paths: [{ path: '/q', ignoresCase: false }],
        weight: 1,
      }),
    );

    expect([...maps.wildcards.keys()]).toEqual(['.a.example', '.example']);
    expect(maps.hosts).toEqual(
      new Map([
        ['*.example/', 'short_1'],
        ['*.a.example/q', 'long_2'],
        ['*.a.example/', 'short_1'],
      ]),
    );
  });

  it('has a structure that does not change with servers, hosts and paths', () => {
    const before = renderStructure(model(route()), sampleSettings);
    const after = renderStructure(
      model(
        route({
          endpoints: [sampleEndpoint(31_999, 'ready', 5)],
          vhosts: ['other.example'],
          paths: [{ path: '/x', ignoresCase: false }],
        }),
      ),
      sampleSettings,
    );

    expect(after).toBe(before);
    const slow = route({ server: { protocol: 'http', slowStartSeconds: 5 } });
    expect(renderStructure(model(slow), sampleSettings)).not.toBe(before);
  });

  it('round-trips through the parser without a diagnostic', () => {
    const text = renderConfig(model(route({ sticky: true })), sampleSettings, 'g');

    expect(print(parse(text))).toBe(text);
    expect(parse(text).lines.flatMap((line) => line.diagnostics)).toEqual([]);
  });

  it('hands requests over to the next worker, whatever it listens on', () => {
    const text = renderConfig(model(route()), { ...sampleSettings, bindAddresses: ['::1'] }, 'g');

    const rule = 'use_backend edge_successor_http if { var(txn.edge_is_leaving) -m bool }';
    expect(linesOf(text).filter((line) => line === rule)).toHaveLength(2);
    expect(linesOf(text)).toContain(
      'http-request set-header X-Pacer-Entry *:10000 if { var(txn.edge_is_leaving) -m bool }',
    );
    expect(linesOf(text)).toContain('bind ipv6@[::1]:8000');
    expect(linesOf(text)).toContain(
      'bind unix@/run/pacer/handover-http.sock mode 600 accept-proxy name http',
    );
  });

  it("leaves an operator's file as it is, and writes its own parts between marks", () => {
    const base = 'global\n    maxconn 100 # ours\n\nfrontend  mine\n  bind :81\n  mode http\n';

    const text = renderConfig(model(route()), { ...sampleSettings, baseConfig: base }, 'g');

    expect(text).toContain('    maxconn 100 # ours\n');
    expect(text).toContain('frontend  mine\n  bind :81\n');
    expect(text).toContain('# BEGIN pacer global');
    expect(text.match(/^global/gm)).toHaveLength(1);
    expect(text).toContain('backend web_10000 from edge\n');
  });

  it('hands nothing over where an operator confines the workers', () => {
    const confined = { ...sampleSettings, baseConfig: 'global\n  chroot /var/lib/haproxy\n' };

    expect(renderConfig(model(route()), confined, 'g')).not.toContain('successor');
  });
});
