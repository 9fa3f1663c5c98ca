import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_BACKENDS, type WireRouterStatistics } from '#marathon-v2';
import { toEdgeModel } from '#routing';
import { sampleEndpoint, sampleRoute } from '../../../../../test/support/edge-samples.js';
import { atOnce } from '../../sync/thread-slices.js';
import { TestEdge } from '../edge.test-support.js';
import { describeWithHaproxy } from '../haproxy.test-support.js';
import type { HaproxyEdge } from '../haproxy-edge.js';
import { EdgeStatistics, NO_FIGURES } from './edge-statistics.js';
import { parseInfo, parseStat, parseStatRecords } from './parse-stat.js';
import { RunningTotals } from './running-totals.js';
import { StatisticsReader } from './statistics-reader.js';
import { type StatisticsInput, statisticsSteps } from './statistics-report.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const info = {
  version: '2.6.12',
  pid: 1,
  uptimeSeconds: 5,
  connections: 2,
  connectionRate: 0,
  requests: 0,
};
const workers = { current: 1, old: 0, memory: { rssBytes: 9 << 20, pssBytes: 7 << 20 } };
const reportOf = (input: StatisticsInput): WireRouterStatistics =>
  JSON.parse(Buffer.concat(atOnce(statisticsSteps(input))).toString());
const edgeCounts = { reloads: 1, runtimeChanges: 2, driftRepairs: 3 };

describe('parseStat', () => {
  it('goes by the names of the header, in any order, and reads quotes', () => {
    const csv = '# svname,pxname,last_chk,type,scur,\nBACKEND,web,"Layer7 ""bad"", 500",1,4,\n\n';
    const plain = '# svname,pxname,last_chk,type,scur\nBACKEND,web,,1,4';

    const [row] = parseStat(csv);

    expect(row).toMatchObject({ kind: 'backend', proxy: 'web', service: 'BACKEND' });
    expect(row?.number('scur')).toBe(4);
    expect(row?.number('qcur')).toBe(0);
    expect(parseStat(plain)[0]?.number('scur')).toBe(4);
    expect(parseStatRecords(csv)).toEqual([
      { svname: 'BACKEND', pxname: 'web', last_chk: 'Layer7 "bad", 500', type: '1', scur: '4' },
    ]);
  });

  it('reads what is no table as none', () => {
    expect(parseStat('Unknown command')).toEqual([]);
    expect(parseInfo('Unknown command')).toBeUndefined();
  });
});

describe('RunningTotals', () => {
  it('never falls, whatever workers say, and loses nothing they said', () => {
    const sight = fc.record({ worker: fc.integer({ min: 1, max: 3 }), count: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(sight, { maxLength: 40 }), (sights) => {
        const totals = new RunningTotals(['requests']);
        let before = 0;
        let worker = 0;
        let last = 0;
        let carried = 0;
        for (const [nowMs, now] of sights.entries()) {
          if (now.worker !== worker || now.count < last) carried += last;
          [worker, last] = [now.worker, now.count];
          const from = { worker: now.worker, nowMs };
          const { requests = 0 } = totals.add('web', { requests: now.count }, from);

          expect(requests).toBeGreaterThanOrEqual(before);
          expect(requests).toBe(carried + now.count);
          before = requests;
        }
      }),
    );
  });
});

describe('EdgeStatistics', () => {
  const header = '# pxname,svname,type,status,check_status,check_code,weight,scur,act,bck,mode';
  const row = (...values: string[]): string => values.join(',');

  it.each([
    ['UP', '* L7OK', '200', 'up', 'L7OK/200'],
    ['no check', '', '', 'up', null],
    ['UP 1/2', 'L4CON', '', 'up', 'L4CON'],
    ['UP', 'INI', '', 'starting', 'INI'],
    ['DOWN', 'L7STS', '500', 'down', 'L7STS/500'],
    ['DRAIN', '', '', 'draining', null],
    ['MAINT', '', '', 'maint', null],
  ])('reads a server that is %s (%s)', (status, check, code, state, shown) => {
    const endpoint = sampleEndpoint(1);
    const statistics = new EdgeStatistics();
    statistics.take({
      info,
      proxies: parseStat(`${header}\n${row('web_10000', 'BACKEND', '1', 'UP')}`),
      servers: parseStat(
        `${header}\n${row('web_10000', endpoint.name, '2', status, check, code, '3')}`,
      ),
      routes: [sampleRoute({ endpoints: [endpoint] })],
      nowMs: 0,
    });

    const server = statistics.figures.backends.get('web_10000')?.servers.get(endpoint.name);
    expect(server).toMatchObject({ state, check: shown, weight: 3, taskId: endpoint.taskId });
  });

  it('takes a server in maintenance whose task drains for a draining one', () => {
    const endpoint = sampleEndpoint(1, 'draining');
    const statistics = new EdgeStatistics();
    statistics.take({
      info,
      proxies: parseStat(`${header}\n${row('web_10000', 'BACKEND', '1', 'UP')}`),
      servers: parseStat(`${header}\n${row('web_10000', endpoint.name, '2', 'MAINT')}`),
      routes: [sampleRoute({ endpoints: [endpoint] })],
      nowMs: 0,
    });

    expect(statistics.figures.backends.get('web_10000')).toMatchObject({ draining: 1, down: 0 });
  });
});

describe('statisticsSteps', () => {
  it('says nothing of HAProxy while it does not answer', () => {
    const report = reportOf({
      figures: NO_FIGURES,
      workers,
      edge: edgeCounts,
      conflicts: [
        { kind: 'unsupported', appId: '/a', portIndex: 0, reason: 'udp' },
        { kind: 'conflict', appId: '/b', portIndex: 1, reason: 'taken' },
      ],
      problems: [{ cause: 'HAProxy', message: 'gone' }],
    });

    expect(report).toEqual({
      version: 1,
      haproxy: {
        uptimeSeconds: 0,
        workers: 1,
        oldWorkers: 0,
        memoryMib: 7,
        connections: 0,
        requestsPerSecond: 0,
      },
      reloads: 1,
      runtimeChanges: 2,
      driftRepairs: 3,
      problems: [{ cause: 'HAProxy', message: 'gone' }],
      leftOut: [{ appId: '/b', portIndex: 1, reason: 'taken' }],
      unsupported: [{ appId: '/a', portIndex: 0, reason: 'udp' }],
      frontends: [],
      backends: {},
    });
  });
});

it('a report tells of so many backends, and of how many it does not', () => {
  const backend = {
    ...{ appId: '/a', portIndex: 0, requestsPerSecond: 0, sessions: 0, queued: 0, responseMs: 0 },
    ...{ connectMs: 0, up: 1, down: 0, draining: 0, servers: new Map() },
    totals: { errors5xx: 0, errorsConnect: 0, retries: 0, redispatches: 0, requests: 0 },
  };
  const backends = new Map(
    Array.from({ length: MAX_BACKENDS + 2 }, (_, at) => [`web_${at}`, backend] as const),
  );

  const report = reportOf({
    ...{ workers, edge: edgeCounts, conflicts: [], problems: [] },
    figures: { ...NO_FIGURES, backends } as never,
  });

  expect(Object.keys(report.backends ?? {})).toHaveLength(MAX_BACKENDS);
  expect(report.problems).toEqual([
    { cause: 'statistics', message: '2 backends above 10000 are not reported' },
  ]);
});

describeWithHaproxy('statistics of the real HAProxy', () => {
  let scene: TestEdge;
  let edge: HaproxyEdge;

  beforeEach(async () => {
    scene = await TestEdge.create();
    edge = scene.newEdge();
    await edge.start(scene.model([]));
  });
  afterEach(async () => {
    await edge.stop();
    await scene.remove();
  });

  it('counts requests over a reload, per app', async () => {
    const first = await scene.upstream('first');
    const model = scene.model([first]);
    const reader = new StatisticsReader({
      files: scene.files,
      routes: () => model.structure.routes,
    });
    await edge.reload(model);
    await reader.look();
    for (let request = 0; request < 5; request += 1) await scene.ask();
    await reader.look();
    const before = reader.figures.backends.get('web_0')?.totals;
    expect(before).toMatchObject({ requests: 5, responses2xx: 5 });

    edge.askForReload();
    expect(await edge.needsReload(model)).toBe(true);
    await edge.reload(model);
    await reader.look();
    expect(reader.figures.backends.get('web_0')?.totals).toMatchObject({ requests: 5 });
    // The former worker may have accepted a connection just before.
    await vi.waitFor(
      async () => {
        await scene.ask();
        await reader.look();
        expect(reader.figures.backends.get('web_0')?.totals.requests).toBeGreaterThan(5);
      },
      { timeout: 20_000 },
    );

    const { backends, info: figures } = reader.figures;
    expect(backends.get('web_0')).toMatchObject({ appId: '/web', portIndex: 0, up: 1 });
    const after = backends.get('web_0')?.totals;
    expect(after?.responses2xx).toBe(after?.requests);
    expect(backends.get('web_0')?.servers.get(first.name)).toMatchObject({
      taskId: first.taskId,
      state: 'up',
    });
    expect(figures?.version).toMatch(/^\d+\.\d+/);
    const report = reportOf({
      figures: reader.figures,
      workers,
      edge,
      conflicts: [],
      problems: [],
    });
    expect(report.backends?.['web_0']).toMatchObject({
      requests: after?.requests,
      errors5xx: 0,
    });
    expect(parseStatRecords(await reader.readCsv()).length).toBeGreaterThan(2);
  });

  it('reads the servers of all backends, however many looks that takes', async () => {
    const endpoints = (port: number) =>
      Array.from({ length: 1_500 }, (_, index) => ({
        ...sampleEndpoint(port),
        ...{ name: `s${index}`, taskId: `t${port}.${index}` },
      }));
    const routes = [1, 2, 3].map((number) =>
      sampleRoute({
        ...{ appId: `/app-${number}`, backend: `app-${number}_0`, vhosts: [`${number}.localhost`] },
        endpoints: endpoints(number),
      }),
    );
    const bare = routes.map(({ listener: _, ...route }) => route);
    await edge.reload(toEdgeModel({ routes: bare, conflicts: [] }));
    const reader = new StatisticsReader({ files: scene.files, routes: () => bare });
    const sizes = () =>
      bare.map(({ backend }) => reader.figures.backends.get(backend)?.servers.size);

    await reader.look();
    expect(sizes()).toEqual([1_500, 1_500, 0]);
    await reader.look();

    expect(sizes()).toEqual([1_500, 1_500, 1_500]);
  });

  it('keeps the figures while HAProxy does not answer', async () => {
    const model = scene.model([]);
    const routes = () => model.structure.routes;
    await edge.reload(model);
    const reader = new StatisticsReader({ files: scene.files, routes });
    await reader.look();
    await edge.stop();

    await reader.look();

    expect(reader.figures.backends.has('web_0')).toBe(true);
  });
});
