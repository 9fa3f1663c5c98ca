import { describe, expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleApp, sampleSettings, sampleTask } from '../../../test/support/edge-samples.js';
import { buildRoutes } from './build-routes.js';
import { toEdgeModel } from './edge-model.js';
import { renderStructure } from './render/render-config.js';
import { appsOfRoute } from './route-table.js';

const options = {
  groups: ['*'],
  reservedPorts: new Set<number>(),
  lastKnownHealth: new Map<string, boolean>(),
};
const member = (id: string, instances: number, labels: Readonly<Record<string, string>>): WireApp =>
  sampleApp(id, {
    labels: { HAPROXY_DEPLOYMENT_GROUP: 'shop', HAPROXY_0_PORT: '9000', ...labels },
    portDefinitions: [{ port: id === '/blue' ? 10_000 : 10_001, protocol: 'tcp', labels: {} }],
    tasks: Array.from({ length: instances }, (_, index) =>
      sampleTask(`${id}.${index}`, (id === '/blue' ? 31_000 : 32_000) + index),
    ),
  });
const onlyRoute = (...apps: readonly WireApp[]) => {
  const table = buildRoutes(apps, options);
  expect(table.routes).toHaveLength(1);
  expect(table.conflicts).toEqual([]);
  return table.routes[0];
};

describe('the apps of a deployment group', () => {
  it('share one backend, named after the group, by their instances', () => {
    const route = onlyRoute(member('/blue', 2, {}), member('/green', 1, {}));

    expect(route).toMatchObject({ backend: 'shop_9000', listener: { port: 9000 } });
    expect(route?.endpoints.map(({ taskId, weight }) => [taskId, weight])).toEqual([
      ['/blue.0', 1],
      ['/blue.1', 1],
      ['/green.0', 1],
    ]);
  });

  it('are all led to: by their ids too, and when one comes or goes', () => {
    const mode = { HAPROXY_0_MODE: 'http' };
    const [blue, green] = [member('/blue', 1, mode), member('/green', 0, mode)];
    const both = buildRoutes([blue, green], options);
    const alone = toEdgeModel(buildRoutes([blue], options));

    const model = toEdgeModel(both, alone);

    expect(both.routes.map(appsOfRoute)).toEqual([['/blue', '/green']]);
    expect([...alone.maps.apps]).toEqual([['/blue', 'shop_9000']]);
    expect([...model.maps.apps]).toEqual([
      ['/blue', 'shop_9000'],
      ['/green', 'shop_9000'],
    ]);
    expect(renderStructure(model, sampleSettings)).toBe(renderStructure(alone, sampleSettings));
  });

  it('are published as the one says that has been there longest', () => {
    const route = onlyRoute(
      member('/blue', 1, {
        HAPROXY_DEPLOYMENT_STARTED_AT: '2026-02',
        HAPROXY_0_VHOST: 'new.example',
      }),
      member('/green', 1, {
        HAPROXY_DEPLOYMENT_STARTED_AT: '2026-01',
        HAPROXY_0_VHOST: 'old.example',
      }),
    );

    expect(route).toMatchObject({ appId: '/green', vhosts: ['old.example'] });
  });

  it('get their shares of the traffic whatever their number of instances', () => {
    const route = onlyRoute(
      member('/blue', 9, { HAPROXY_0_TRAFFIC_WEIGHT: '90' }),
      member('/green', 2, { HAPROXY_0_TRAFFIC_WEIGHT: '10' }),
    );

    const sum = (id: string) =>
      (route?.endpoints ?? [])
        .filter(({ taskId }) => taskId.startsWith(id))
        .reduce((total, { weight }) => total + weight, 0);
    expect(sum('/blue') / (sum('/blue') + sum('/green'))).toBeCloseTo(0.9, 2);
  });

  it('get nothing with a share of 0, and something with any other', () => {
    const route = onlyRoute(
      member('/blue', 1, { HAPROXY_0_TRAFFIC_WEIGHT: '256' }),
      member('/green', 1, { HAPROXY_0_TRAFFIC_WEIGHT: '1' }),
    );
    const without = onlyRoute(
      member('/blue', 1, { HAPROXY_0_TRAFFIC_WEIGHT: '100' }),
      member('/green', 1, { HAPROXY_0_TRAFFIC_WEIGHT: '0' }),
    );

    expect(route?.endpoints.map(({ weight }) => weight)).toEqual([100, 1]);
    expect(without?.endpoints.map(({ weight }) => weight)).toEqual([100, 0]);
  });

  it('drain one old instance for each healthy new one above the target', () => {
    const started = 'HAPROXY_DEPLOYMENT_STARTED_AT';
    const route = onlyRoute(
      member('/blue', 3, { [started]: '1' }),
      member('/green', 2, { [started]: '2', HAPROXY_DEPLOYMENT_TARGET_INSTANCES: '3' }),
    );

    expect(
      route?.endpoints.filter(({ state }) => state === 'draining').map(({ taskId }) => taskId),
    ).toEqual(['/blue.0', '/blue.1']);
  });
});
