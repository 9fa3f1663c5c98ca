import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleApp, sampleTask } from '../../../test/support/edge-samples.js';
import { buildRoutes, type RoutingOptions } from './build-routes.js';
import { type BuiltTable, withEndpointChanges } from './endpoint-changes.js';

const options = (): RoutingOptions => ({
  groups: ['*'],
  reservedPorts: new Set([8080]),
  lastKnownHealth: new Map(),
  memory: new WeakMap(),
});

const anyLabels = fc.record(
  {
    HAPROXY_0_VHOST: fc.constantFrom('x.example', 'y.example', 'x.example,y.example'),
    HAPROXY_0_PORT: fc.constantFrom('10001', '10002', 'none', 'nonsense'),
    HAPROXY_0_ENABLED: fc.constantFrom('true', 'false'),
    HAPROXY_DEPLOYMENT_GROUP: fc.constantFrom('', 'blue-green'),
  },
  { requiredKeys: [] },
);
const anyTasks = fc
  .uniqueArray(fc.integer({ min: 31_000, max: 31_009 }), { maxLength: 4 })
  .map((ports) => ports.map((port) => sampleTask(`t${port}`, port)));
const anyApps = fc
  .array(fc.record({ labels: anyLabels, tasks: anyTasks, leaving: fc.boolean() }), { maxLength: 6 })
  .map((list): readonly WireApp[] =>
    list.map(({ labels, tasks, leaving }, index) =>
      sampleApp(`/app-${index}`, {
        ...{ labels: labels as Record<string, string>, tasks },
        ...(leaving && { leaving }),
      }),
    ),
  );
/** Which app changes (if there are so many), into what. */
const anyChange = fc.record({
  index: fc.nat(5),
  tasks: anyTasks,
  labels: fc.option(anyLabels, { freq: 3, nil: undefined }),
});

it('gives the table of buildRoutes, wherever it gives one', () => {
  let given = 0;
  fc.assert(
    fc.property(anyApps, fc.array(anyChange, { minLength: 1, maxLength: 6 }), (apps, changes) => {
      const rules = options();
      let before: BuiltTable = { apps, table: buildRoutes(apps, rules) };
      for (const { index, tasks, labels } of changes) {
        const now = before.apps.map((app, at) =>
          at === index
            ? { ...app, tasks, ...(labels && { labels: labels as Record<string, string> }) }
            : app,
        );
        const slow = buildRoutes(now, rules);
        const fast = withEndpointChanges(before, now, rules);

        if (fast !== undefined) {
          given += 1;
          expect(fast).toEqual(slow);
        }
        before = { apps: now, table: fast ?? slow };
      }
    }),
  );
  expect(given).toBeGreaterThan(50);
});

it('leaves the routes of other apps the same objects, and is undefined when more than endpoints differ', () => {
  const rules = options();
  const [one, two] = [
    sampleApp('/one', { labels: { HAPROXY_0_VHOST: 'one.example' }, tasks: [sampleTask('a', 1)] }),
    sampleApp('/two', { portDefinitions: [{ port: 10_001, protocol: 'tcp', labels: {} }] }),
  ];
  const before = { apps: [one, two], table: buildRoutes([one, two], rules) };

  const moved = { ...one, tasks: [sampleTask('b', 2)] };
  const table = withEndpointChanges(before, [moved, two], rules);
  expect(table?.routes[0]?.endpoints).toMatchObject([{ port: 2 }]);
  expect(table?.routes[1]).toBe(before.table.routes[1]);

  const renamed = { ...one, labels: { HAPROXY_0_VHOST: 'other.example' } };
  expect(withEndpointChanges(before, [renamed, two], rules)).toBeUndefined();
  expect(withEndpointChanges(before, [one], rules)).toBeUndefined();
});
