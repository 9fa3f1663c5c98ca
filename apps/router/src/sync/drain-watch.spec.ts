import { describe, expect, it } from 'vitest';
import type { Endpoint, RouteTable } from '#routing';
import { sampleEndpoint, sampleRoute } from '../../../../test/support/edge-samples.js';
import { DrainWatch, type ServerSight } from './drain-watch.js';

const endpoint = (taskId: string): Endpoint => ({
  ...sampleEndpoint(1, 'draining'),
  name: `s-${taskId}`,
  taskId,
});
const tableOf = (backend: string, ...tasks: readonly string[]): RouteTable => ({
  routes: [sampleRoute({ backend, endpoints: tasks.map(endpoint) })],
  conflicts: [],
});
const table = (...tasks: readonly string[]): RouteTable => tableOf('web', ...tasks);
const sees =
  (servers: Readonly<Record<string, ServerSight>>) =>
  (server: string): ServerSight =>
    servers[server] ?? { state: undefined, open: 0 };

describe('DrainWatch', () => {
  it('calls a task drained when its server is in maintenance without a session', () => {
    const watch = new DrainWatch();
    watch.follow(table('a', 'b', 'c'), 0);

    const drained = watch.sort(
      ['a', 'b', 'c'],
      sees({
        'web/s-a': { state: 'maint', open: 0 },
        'web/s-b': { state: 'maint', open: 1 },
        'web/s-c': { state: 'ready', open: 0 },
      }),
    );

    expect(drained).toEqual({ drained: ['a'], busy: ['b', 'c'] });
  });

  it('still watches the tasks of an app that is listed no more', () => {
    const watch = new DrainWatch();
    watch.follow(table('a'), 0);
    watch.follow(table(), 1);

    expect(watch.sort([], sees({ 'web/s-a': { state: 'maint', open: 2 } })).busy).toEqual(['a']);
    expect(watch.sort([], sees({})).drained).toEqual(['a']);
  });

  it('forgets a departed task after a while', () => {
    const watch = new DrainWatch();
    watch.follow(table('a'), 0);
    watch.follow(table(), 1);

    watch.follow(table(), 1_000_000);

    expect(watch.hasDeparted).toBe(false);
  });

  it('calls a task it never routed to drained', () => {
    expect(new DrainWatch().sort(['x'], sees({}))).toEqual({ drained: ['x'], busy: [] });
  });

  it('calls every task with a server busy while the sessions are unknown', () => {
    const watch = new DrainWatch();
    watch.follow(table('a', 'b'), 0);
    watch.follow(table('a'), 1);

    const report = watch.sort(['a'], () => ({ state: 'maint', open: undefined }));

    expect(report).toEqual({ drained: [], busy: ['a', 'b'] });
  });

  it('still watches a draining task that left the table, and lists it once', () => {
    const watch = new DrainWatch();
    watch.follow(table('a'), 0);
    watch.follow(table(), 1);

    const report = watch.sort(['a'], sees({ 'web/s-a': { state: 'maint', open: 1 } }));

    expect(report).toEqual({ drained: [], busy: ['a'] });
  });

  it('still watches the server a task had in a backend of another name', () => {
    const watch = new DrainWatch();
    watch.follow(tableOf('web_1', 'a'), 0);
    watch.follow(tableOf('web_2', 'a'), 1);

    const report = watch.sort(['a'], sees({ 'web_1/s-a': { state: undefined, open: 1 } }));

    expect(report).toEqual({ drained: [], busy: ['a'] });
    watch.follow(tableOf('web_2', 'a'), 1_000_000);
    expect(watch.sort(['a'], sees({ 'web_1/s-a': { state: 'ready', open: 1 } })).busy).toEqual([]);
  });
});
