import { parse, print } from 'haproxy-config-parser';
import { describe, expect, it } from 'vitest';
import { toEdgeModel } from './edge-model.js';
import {
  type EdgeSettings,
  renderConfig,
  renderHostsMap,
  renderStructure,
} from './render-config.js';
import type { Endpoint, Route } from './route-table.js';

const settings: EdgeSettings = {
  bindAddress: '127.0.0.1',
  httpPort: 8000,
  statsSocket: '/run/admin.sock',
  hostsMapFile: '/run/hosts.map',
  hardStopSeconds: 60,
};
const endpoint = (port: number, state: Endpoint['state'] = 'ready'): Endpoint => ({
  name: `127.0.0.1_${port}`,
  address: '127.0.0.1',
  port,
  taskId: `t${port}`,
  state,
});
const route = (extra: Partial<Route> = {}): Route => ({
  appId: '/web',
  portIndex: 0,
  backend: 'web_10000',
  listenPort: 10000,
  mode: 'http',
  balance: 'roundrobin',
  sticky: false,
  vhosts: ['web.example'],
  weight: 0,
  endpoints: [endpoint(31000), endpoint(31001, 'draining')],
  ...extra,
});
const model = (...routes: Route[]) => toEdgeModel({ routes, conflicts: [] });
const linesOf = (text: string): readonly string[] => text.split('\n').map((line) => line.trim());

describe('renderConfig', () => {
  it('lists servers, draining ones disabled', () => {
    const lines = linesOf(renderConfig(model(route()), settings, 'g1'));

    expect(lines).toContain('server 127.0.0.1_31000 127.0.0.1:31000');
    expect(lines).toContain('server 127.0.0.1_31001 127.0.0.1:31001 disabled');
    expect(lines).toContain('description pacer-generation-g1');
  });

  it('puts plain hosts in the map and hosts with a path or a wildcard into rules, longest path first', () => {
    const wanted = model(
      route({ vhosts: ['web.example', '*.web.example'] }),
      route({ backend: 'a_1', listenPort: 1, path: '/a', weight: 1, vhosts: ['x.example'] }),
      route({ backend: 'b_2', listenPort: 2, path: '/a/b', weight: 1, vhosts: ['x.example'] }),
    );

    const rules = linesOf(renderConfig(wanted, settings, 'g')).filter((line) =>
      line.startsWith('use_backend'),
    );

    expect(renderHostsMap(wanted.hosts)).toBe('web.example web_10000\n');
    expect(rules.slice(0, 5).map((rule) => rule.split(' ')[1])).toEqual([
      'edge_successor',
      'b_2',
      'a_1',
      '%[req.hdr(host),field(1,:),lower,map(/run/hosts.map)]',
      'web_10000',
    ]);
  });

  it('has a structure that does not change with servers and plain hosts', () => {
    const before = renderStructure(model(route()), settings);
    const after = renderStructure(
      model(route({ endpoints: [endpoint(31999)], vhosts: ['other.example'] })),
      settings,
    );

    expect(after).toBe(before);
    expect(renderStructure(model(route({ balance: 'leastconn' })), settings)).not.toBe(before);
  });

  it('round-trips through the parser without a diagnostic', () => {
    const text = renderConfig(model(route({ sticky: true })), settings, 'g');

    expect(print(parse(text))).toBe(text);
    expect(parse(text).lines.flatMap((line) => line.diagnostics)).toEqual([]);
  });

  it('hands requests over to the next worker, but for an edge on IPv6', () => {
    const text = renderConfig(model(route()), settings, 'g');
    const overIpv6 = renderConfig(model(route()), { ...settings, bindAddress: '::1' }, 'g');

    const rule = 'use_backend edge_successor if { stopping }';
    expect(linesOf(text).filter((line) => line === rule)).toHaveLength(2);
    expect(overIpv6).not.toContain('edge_successor');
  });
});
