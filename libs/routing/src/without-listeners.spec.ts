import { describe, expect, it } from 'vitest';
import { sampleRoute, sampleSettings } from '../../../test/support/edge-samples.js';
import { toEdgeModel } from './edge-model.js';
import { renderConfig } from './render/render-config.js';
import type { Route } from './route-table.js';
import { bindAddressesOf, listenAddressesOf, withoutListeners } from './without-listeners.js';

const route = (port: number): Route =>
  sampleRoute({ backend: `web_${port}`, listener: { port, options: [], certificates: [] } });
const text = renderConfig(
  toEdgeModel({ routes: [route(10_000), route(10_001)], conflicts: [] }),
  sampleSettings,
  'g1',
);

describe('withoutListeners', () => {
  it('takes out the frontends that listen there, keeps their backends and changes the mark', () => {
    const reduced = withoutListeners(text, new Set(['127.0.0.1:10001']));

    expect(listenAddressesOf(text)).toContain('127.0.0.1:10001');
    expect(listenAddressesOf(reduced)).not.toContain('127.0.0.1:10001');
    expect(listenAddressesOf(reduced)).toContain('127.0.0.1:10000');
    expect(reduced).toContain('backend web_10001 from edge\n');
    expect(reduced).toContain('description pacer-generation-reduced\n');
    expect(reduced).not.toContain('pacer-generation-g1');
  });
});

describe('bindAddressesOf', () => {
  it('finds each address of the bind lines, with its line and what is said of it', () => {
    const lines = [
      '# bind :1',
      'frontend binder',
      '  bind ":80,127.0.0.1:81" ssl crt a',
      'bind /sock',
    ];

    expect(bindAddressesOf(lines.join('\n'))).toEqual([
      { line: 3, address: ':80', parameters: ['ssl', 'crt', 'a'] },
      { line: 3, address: '127.0.0.1:81', parameters: ['ssl', 'crt', 'a'] },
      { line: 4, address: '/sock', parameters: [] },
    ]);
  });
});
