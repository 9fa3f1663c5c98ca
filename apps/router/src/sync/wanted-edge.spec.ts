import { describe, expect, it } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleApp, sampleTask } from '../../../../test/support/edge-samples.js';
import { appsOfTable, WantedEdge } from './wanted-edge.js';

const NO_PORTS: ReadonlySet<string> = new Set();
const RULES = { groups: ['*'], reservedPorts: new Set<number>(), reservedNames: new Set<string>() };

const edgeOf = (apps: () => readonly WireApp[]): WantedEdge =>
  new WantedEdge({ list: apps, lastKnownHealth: new Map() }, () => RULES);

describe('the edge as it should be', () => {
  it('depends on every app of a deployment group, with instances or without', () => {
    const labels = { HAPROXY_DEPLOYMENT_GROUP: 'shop', HAPROXY_0_PORT: '9000' };
    const apps = ['/blue', '/green'].map((id) => sampleApp(id, { labels }));

    const { table } = edgeOf(() => apps).build(NO_PORTS);

    expect(appsOfTable(table)).toEqual(new Set(['/blue', '/green']));
  });

  it('serves all of a group with the instances of now, where an earlier form of it goes on', () => {
    const labels = { HAPROXY_DEPLOYMENT_GROUP: 'shop', HAPROXY_0_PORT: '9000' };
    let apps = [sampleApp('/blue', { labels, tasks: [sampleTask('blue', 31_000)] })];
    const wanted = edgeOf(() => apps);
    wanted.refused.noteServed(wanted.build(NO_PORTS).table.routes);
    const bad = { ...labels, HAPROXY_0_BALANCE: 'source' };
    apps = [
      sampleApp('/blue', { labels: bad, tasks: [sampleTask('blue', 31_000)] }),
      sampleApp('/green', { labels, tasks: [sampleTask('green', 31_001)] }),
    ];
    wanted.refused.noteRefused(wanted.build(NO_PORTS).table.routes, 'no such algorithm');

    const { table } = wanted.build(NO_PORTS);

    expect(table.routes[0]?.balance.words).toEqual(['roundrobin']);
    expect(table.routes[0]?.endpoints.map(({ taskId }) => taskId)).toEqual(['blue', 'green']);
    expect(appsOfTable(table)).toEqual(new Set(['/blue', '/green']));
  });

  it('remembers no refusal of an app that is gone: one of its name begins anew', () => {
    const web = sampleApp('/web');
    let apps: readonly WireApp[] = [web];
    const wanted = edgeOf(() => apps);
    wanted.refused.noteRefused(wanted.build(NO_PORTS).table.routes, 'unknown keyword');
    expect(wanted.build(NO_PORTS).table.routes).toEqual([]);

    apps = [];
    wanted.build(NO_PORTS);

    apps = [web];
    expect(wanted.build(NO_PORTS).table).toMatchObject({
      routes: [{ appId: '/web' }],
      conflicts: [],
    });
  });
});
