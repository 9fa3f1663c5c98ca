import { describe, expect, it } from 'vitest';
import { toEdgeModel } from './edge-model.js';
import { type EdgeSettings, renderConfig } from './render-config.js';
import type { Route } from './route-table.js';
import { listenPortsOf, withoutListenPorts } from './without-listen-ports.js';

const settings: EdgeSettings = {
  bindAddress: '127.0.0.1',
  httpPort: 8000,
  statsSocket: '/run/admin.sock',
  hostsMapFile: '/run/hosts.map',
  hardStopSeconds: 60,
};
const route = (listenPort: number): Route => ({
  appId: `/web-${listenPort}`,
  portIndex: 0,
  backend: `web_${listenPort}`,
  listenPort,
  mode: 'http',
  balance: 'roundrobin',
  sticky: false,
  vhosts: [],
  weight: 0,
  endpoints: [],
});
const text = renderConfig(
  toEdgeModel({ routes: [route(10_000), route(10_001)], conflicts: [] }),
  settings,
  'g1',
);

describe('withoutListenPorts', () => {
  it('takes out the frontends of these ports, keeps their backends and changes the mark', () => {
    const reduced = withoutListenPorts(text, new Set([10_001]));

    expect(listenPortsOf(text)).toEqual(new Set([8000, 10_000, 10_001]));
    expect(listenPortsOf(reduced)).toEqual(new Set([8000, 10_000]));
    expect(reduced).toContain('backend web_10001\n');
    expect(reduced).toContain('description pacer-generation-reduced\n');
    expect(reduced).not.toContain('pacer-generation-g1');
  });
});
