import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, print } from 'haproxy-config-parser';
import { expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleSettings } from '../../../test/support/edge-samples.js';
import { buildRoutes } from './build-routes.js';
import { toEdgeModel } from './edge-model.js';
import { renderConfig, renderMap } from './render/render-config.js';

const FOLDER = fileURLToPath(new URL('../../../test/fixtures/haproxy/', import.meta.url));

it('writes the configuration of these apps to the byte, in whatever order they come', async () => {
  const apps = JSON.parse(readFileSync(`${FOLDER}edge.apps.json`, 'utf8')) as readonly WireApp[];
  const options = {
    groups: ['external'],
    reservedPorts: new Set<number>(),
    lastKnownHealth: new Map<string, boolean>(),
  };

  const [table, turned] = [apps, apps.toReversed()].map((list) => buildRoutes(list, options));
  const model = toEdgeModel(table ?? { routes: [], conflicts: [] });
  const text = renderConfig(model, sampleSettings, 'golden');

  await expect(text).toMatchFileSnapshot(`${FOLDER}edge.cfg`);
  await expect(renderMap('hosts', model.maps.hosts)).toMatchFileSnapshot(`${FOLDER}edge.hosts.map`);
  expect(turned).toEqual(table);
  expect(print(parse(text))).toBe(text);
});
