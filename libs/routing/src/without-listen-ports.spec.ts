import { describe, expect, it } from 'vitest';
import { sampleRoute, sampleSettings } from '../../../test/support/edge-samples.js';
import { toEdgeModel } from './edge-model.js';
import { renderConfig } from './render/render-config.js';
import type { Route } from './route-table.js';
import { listenPortsOf, withoutListenPorts } from './without-listen-ports.js';

const route = (port: number): Route =>
  sampleRoute({ backend: `web_${port}`, listener: { port, options: [], certificates: [] } });
const text = renderConfig(
  toEdgeModel({ routes: [route(10_000), route(10_001)], conflicts: [] }),
  sampleSettings,
  'g1',
);

describe('withoutListenPorts', () => {
  it('takes out the frontends of these ports, keeps their backends and changes the mark', () => {
    const reduced = withoutListenPorts(text, new Set([10_001]));

    expect(listenPortsOf(text)).toEqual(new Set([8000, 10_000, 10_001]));
    expect(listenPortsOf(reduced)).toEqual(new Set([8000, 10_000]));
    expect(reduced).toContain('backend web_10001 from edge\n');
    expect(reduced).toContain('description pacer-generation-reduced\n');
    expect(reduced).not.toContain('pacer-generation-g1');
  });
});
