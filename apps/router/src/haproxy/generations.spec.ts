import { expect, it } from 'vitest';
import { type EdgeSettings, type Route, toEdgeModel } from '#routing';
import {
  sampleEndpoint,
  sampleRoute,
  sampleSettings,
} from '../../../../test/support/edge-samples.js';
import { Generations } from './generations.js';

const modelOf = (...routes: readonly Route[]) => toEdgeModel({ routes, conflicts: [] });
const web = sampleRoute({ endpoints: [sampleEndpoint(1)] });
const shop = sampleRoute({ appId: '/shop', backend: 'shop_1', vhosts: ['shop.example'] });

it('names a structure the same whatever was asked before', () => {
  const models = [
    modelOf(web),
    modelOf({ ...web, endpoints: [sampleEndpoint(2)] }),
    modelOf(web, { ...shop, weight: 3 }),
    modelOf({ ...web, sticky: true }),
    modelOf(web),
  ];
  const generations = new Generations(sampleSettings);

  expect(models.map((model) => generations.of(model))).toEqual(
    models.map((model) => new Generations(sampleSettings).of(model)),
  );
});

it('keeps the name while only endpoints differ, and gives another to another structure', () => {
  const generations = new Generations(sampleSettings);
  const before = generations.of(modelOf(web));

  expect(generations.of(modelOf({ ...web, endpoints: [] }))).toBe(before);
  expect(generations.of(modelOf({ ...web, sticky: true }))).not.toBe(before);
  expect(generations.of(modelOf(web, { ...shop, mode: 'tcp' }))).not.toBe(before);
  expect(generations.of(modelOf({ ...web, endpoints: [] }))).toBe(before);
});

it('gives another name when the base configuration changes', () => {
  let baseConfig = 'global\n  maxconn 100\n';
  const settings: EdgeSettings = {
    ...sampleSettings,
    get baseConfig() {
      return baseConfig;
    },
  };
  const generations = new Generations(settings);
  const before = generations.of(modelOf(web));
  baseConfig = 'global\n  maxconn 200\n';

  expect(generations.of(modelOf({ ...web, endpoints: [] }))).not.toBe(before);
});
