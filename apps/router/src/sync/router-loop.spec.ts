import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WireApp, WireRouterReport, WireTask } from '#marathon-v2';
import { createLogger } from '#platform';
import type { EdgeModel, Route } from '#routing';
import type { ControllerEvent } from '../controller/controller-client.js';
import { NO_DRIFT } from '../haproxy/drift.js';
import { EdgeReleasedError } from '../haproxy/edge-process.port.js';
import { EdgeRefusedError } from '../haproxy/edge-refused.js';
import type { Edge } from './edge.port.js';
import { KeptList } from './kept-list.js';
import { RouterLoop, type RouterLoopOptions } from './router-loop.js';

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

const PORT = 10_000;
const task = (extra: Partial<WireTask> = {}): WireTask => ({
  appId: '/web',
  id: 'web.1',
  host: '127.0.0.1',
  ports: [31_000],
  servicePorts: [PORT],
  ipAddresses: [],
  slaveId: 'agent',
  state: 'TASK_RUNNING',
  version: 'v',
  localVolumes: [],
  role: '*',
  ...extra,
});
const CHECK = {
  protocol: 'HTTP',
  gracePeriodSeconds: 30,
  intervalSeconds: 1,
  timeoutSeconds: 5,
  maxConsecutiveFailures: 3,
};
const DRAINING = { since: '2026-01-01T00:00:00Z', deadline: '2026-01-01T00:01:00Z' };
const web = (...tasks: readonly WireTask[]): WireApp => ({
  id: '/web',
  labels: { HAPROXY_0_VHOST: 'web.localhost' },
  instances: 1,
  cpus: 0.1,
  mem: 32,
  disk: 0,
  gpus: 0,
  networks: [{ mode: 'host' }],
  portDefinitions: [{ port: PORT, protocol: 'tcp', labels: {} }],
  requirePorts: false,
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  version: 'v',
  tasks,
});

/** An edge that applies whatever it is given. */
function createEdge(extra: Partial<Edge> = {}): Writable<Edge> {
  let served: EdgeModel | undefined;
  const structureOf = (model: EdgeModel | undefined): string => JSON.stringify(model?.structure);
  return {
    pid: 1,
    reloads: 0,
    runtimeChanges: 0,
    driftRepairs: 0,
    hasPendingDeletions: false,
    start: async () => undefined,
    restart: async () => undefined,
    leave: async () => undefined,
    release: () => undefined,
    stop: async () => undefined,
    look: async () => ({ found: NOTHING_APPLIED, before: undefined }),
    compare: () => NO_DRIFT,
    findOffenders: async () => [],
    persist: async () => undefined,
    listenAddresses: async () => new Set(),
    workerRoom: async () => 5,
    needsReload: async (model) => structureOf(model) !== structureOf(served),
    askForReload: () => undefined,
    applyRuntime: async (model) => {
      if (structureOf(model) === structureOf(served)) served = model;
    },
    async reload(model) {
      this.reloads += 1;
      served = model;
    },
    sessions: async () => new Map(),
    serverState: (server) => {
      const [backend = '', name = ''] = server.split('/');
      return served?.servers.get(backend)?.get(name)?.state;
    },
    ...extra,
  };
}

/** A controller that lists `apps`, and whose stream says what `emit` is given. */
class FakeController {
  apps: readonly WireApp[] = [];
  sequence = 1;
  readonly reports: WireRouterReport[] = [];
  private listener: (event: ControllerEvent) => void = () => undefined;

  /** Something happened to the app. */
  emit(app: WireApp): void {
    this.apps = [app];
    this.sequence += 1;
    const data = { appId: app.id };
    this.listener({ id: this.sequence, type: 'instance_changed_event', data });
  }

  readonly client: RouterLoopOptions['client'] = {
    listApps: async () => ({ apps: this.apps, sequence: this.sequence }),
    getApp: async (id) => this.apps.find((app) => app.id === id),
    report: async (_id, report) => {
      this.reports.push(report);
      return true;
    },
    follow: async ({ onOpen, onEvent, signal }) => {
      this.listener = onEvent;
      onOpen();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  };
}

const NOTHING_APPLIED = {
  workerPid: 1,
  mark: undefined,
  servers: new Map(),
  backends: new Set<string>(),
  maps: {},
};
const NOTHING = (): void => undefined;
const RULES = { groups: ['*'], reservedPorts: new Set<number>() };

describe('RouterLoop', () => {
  const loops: RouterLoop[] = [];
  const start = async (
    controller: FakeController,
    edge: Edge,
    extra: Partial<RouterLoopOptions> = {},
  ): Promise<RouterLoop> => {
    const loop = new RouterLoop({
      routerId: 'router-1',
      rules: () => RULES,
      client: controller.client,
      edge,
      kept: { health: { load: async () => [], save: async () => undefined } },
      logger: createLogger('router-loop-spec'),
      url: () => 'http://router',
      isPortFree: async () => true,
      ...extra,
    });
    loops.push(loop);
    await loop.start();
    return loop;
  };

  afterEach(async () => {
    for (const loop of loops.splice(0)) await loop.stop();
    vi.useRealTimers();
  });

  it('never lets a draining task count as drained while sessions cannot be counted', async () => {
    let isCounted = false;
    const controller = new FakeController();
    controller.apps = [web(task())];
    const edge = createEdge({
      sessions: async () => {
        if (!isCounted) throw new Error('the socket is away');
        return new Map([['web_10000/127.0.0.1_31000', 0]]);
      },
    });
    await start(controller, edge);
    await vi.waitFor(() => expect(edge.reloads).toBe(1));

    controller.emit(web(task({ draining: DRAINING })));
    await vi.waitFor(() => expect(controller.reports.at(-1)?.appliedSequence).toBe(2));
    const unsure = controller.reports.filter(({ appliedSequence }) => appliedSequence >= 2);
    isCounted = true;

    // The controller takes a draining task in neither list for drained.
    expect(unsure.map(({ busyTasks }) => busyTasks)).toEqual(unsure.map(() => ['web.1']));
    await vi.waitFor(() => expect(controller.reports.at(-1)?.drainedTasks).toEqual(['web.1']));
  });

  it('publishes a port that was in use once it is free', async () => {
    vi.useFakeTimers();
    let isFree = false;
    const controller = new FakeController();
    controller.apps = [web(task())];
    const edge = createEdge();
    const loop = await start(controller, edge, { isPortFree: async () => isFree });
    const listenPorts = () => loop.table.routes.map(({ listener }) => listener?.port);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(listenPorts()).toEqual([undefined]);
    expect(loop.table.conflicts.map(({ reason }) => reason)).toEqual([
      `port ${PORT} is in use on this host`,
    ]);

    isFree = true;
    await vi.advanceTimersByTimeAsync(60_000);

    expect(listenPorts()).toEqual([PORT]);
    expect(loop.table.conflicts).toEqual([]);
    expect(edge.reloads).toBe(2);
  });

  it.each(['start', 'restart'] as const)('stops while HAProxy is missing (%s)', async (step) => {
    let release = NOTHING;
    const edge = createEdge({
      [step]: () =>
        new Promise<never>((_, reject) => {
          release = () => reject(new EdgeReleasedError());
        }),
      release: () => release(),
    });
    const started = start(new FakeController(), edge);
    if (step === 'restart') (await started).haproxyGone();
    await vi.waitFor(() => expect(release).not.toBe(NOTHING));

    await loops[0]?.stop();

    await started;
  });

  it('shows a refused configuration until another is served, whatever else goes well', async () => {
    vi.useFakeTimers();
    let isRefused = true;
    const controller = new FakeController();
    controller.apps = [web(task())];
    const taken = createEdge();
    const { reload } = taken;
    const edge: Edge = Object.assign(taken, {
      reload: async (model: EdgeModel) => {
        if (isRefused) throw new EdgeRefusedError('no such algorithm', 'check');
        await reload.call(taken, model);
      },
    });
    const loop = await start(controller, edge);

    await vi.advanceTimersByTimeAsync(1_000);
    controller.emit(web(task({ ports: [31_001] })));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(loop.status()['lastProblem']).toBe('reload: no such algorithm');
    isRefused = false;
    await vi.advanceTimersByTimeAsync(20_000);

    expect(loop.status()).not.toHaveProperty('lastProblem');
    expect(edge.reloads).toBe(1);
  });

  it('shows a controller that does not answer while the edge is fine', async () => {
    vi.useFakeTimers();
    const controller = new FakeController();
    controller.apps = [web(task())];
    const loop = await start(controller, createEdge());
    await vi.advanceTimersByTimeAsync(1_000);
    const { listApps } = controller.client;

    Object.assign(controller.client, { listApps: () => Promise.reject(new Error('answered 401')) });
    await vi.advanceTimersByTimeAsync(40_000);
    expect(loop.status()['lastProblem']).toBe('reading apps: answered 401');
    Object.assign(controller.client, { listApps });
    await vi.advanceTimersByTimeAsync(1_000);

    expect(loop.status()).not.toHaveProperty('lastProblem');
  });

  it('serves what was healthy in its former life until the controller has a result', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pacer-router-loop-'));
    const kept = () => ({
      health: new KeptList(join(directory, 'healthy-tasks.json'), createLogger('kept-list-spec')),
    });
    const checked = (id: string, port: number, alive?: boolean): WireTask =>
      task({
        ...{ id, ports: [port] },
        ...(alive === undefined
          ? {}
          : { healthCheckResults: [{ alive, consecutiveFailures: 0, instanceId: id }] }),
      });
    const webOf = (...tasks: readonly WireTask[]): WireApp => ({
      ...web(...tasks),
      healthChecks: [CHECK],
    });
    const served = ({ table }: RouterLoop): readonly string[] =>
      table.routes.flatMap(({ endpoints }) => endpoints).map(({ taskId }) => taskId);
    const controller = new FakeController();
    controller.apps = [webOf(checked('web.1', 31_001, true), checked('web.2', 31_002, false))];
    const first = await start(controller, createEdge(), { kept: kept() });
    await vi.waitFor(() => expect(served(first)).toEqual(['web.1']));
    await vi.waitFor(async () => expect(await kept().health.load()).toEqual(['web.1']));
    await first.stop();
    controller.apps = [
      webOf(checked('web.1', 31_001), checked('web.2', 31_002), checked('web.3', 31_003)),
    ];

    const second = await start(controller, createEdge(), { kept: kept() });

    await vi.waitFor(() => expect(served(second)).toEqual(['web.1']));
    controller.emit(webOf(checked('web.1', 31_001, false), checked('web.2', 31_002, true)));
    await vi.waitFor(() => expect(served(second)).toEqual(['web.2']));
    await second.stop();
    rmSync(directory, { recursive: true });
  });

  it('leaves HAProxy alone when it stops, and ends it when the edge is switched off', async () => {
    const calls: string[] = [];
    const edge = createEdge({
      leave: async () => void calls.push('leave'),
      stop: async () => void calls.push('stop'),
    });

    await (await start(new FakeController(), edge)).stop();
    expect(calls).toEqual(['leave']);
    await (await start(new FakeController(), edge)).end();

    expect(calls).toEqual(['leave', 'leave', 'stop']);
  });

  it('follows certificates while the controller has not been heard, and serves though they fail', async () => {
    vi.useFakeTimers();
    let synced = 0;
    const certificates = {
      revision: 0,
      start: async () => [],
      refresh: async () => ['shop.pem: it has no key'],
      sync: async () => {
        synced += 1;
        throw new Error('the socket is away');
      },
    };
    const controller = new FakeController();
    controller.apps = [web(task())];
    const { listApps } = controller.client;
    Object.assign(controller.client, { listApps: () => Promise.reject(new Error('away')) });
    const edge = createEdge();
    const loop = await start(controller, edge, { certificates });

    await vi.advanceTimersByTimeAsync(11_000);
    expect(synced).toBeGreaterThan(0);
    expect(loop.openProblems).toContainEqual({
      cause: 'certificates',
      message: 'shop.pem: it has no key; the socket is away',
    });
    Object.assign(controller.client, { listApps });
    await vi.advanceTimersByTimeAsync(11_000);

    expect(loop.table.routes).toHaveLength(1);
    expect(edge.reloads).toBe(1);
  });

  it('tries an app again that HAProxy refused as soon as there are other certificates', async () => {
    vi.useFakeTimers();
    let isThere = false;
    const certificates = {
      revision: 0,
      start: async () => [],
      refresh: async () => [],
      sync: async () => [],
    };
    const edge = createEdge({ findOffenders: async (routes) => offendersOf(routes) });
    const offendersOf = (routes: readonly Route[]) =>
      routes.map((route) => ({ route, reason: "unable to stat SSL certificate 'shop.pem'" }));
    const { reload } = edge;
    edge.reload = async (model) => {
      if (!isThere && model.structure.routes.length > 0) {
        throw new EdgeRefusedError("unable to stat SSL certificate 'shop.pem'", 'check');
      }
      await reload.call(edge, model);
    };
    const controller = new FakeController();
    controller.apps = [web(task())];
    const loop = await start(controller, edge, { certificates });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(loop.table.conflicts).toMatchObject([{ appId: '/web', kind: 'refused' }]);

    isThere = true;
    certificates.refresh = async () => {
      certificates.revision += 1;
      certificates.refresh = async () => [];
      return [];
    };
    await vi.advanceTimersByTimeAsync(15_000);

    expect(loop.table).toMatchObject({ routes: [{ appId: '/web' }], conflicts: [] });
  });

  it('reloads when an operator asks for it, whatever differs', async () => {
    vi.useFakeTimers();
    let isAsked = false;
    const edge = createEdge({
      askForReload: () => {
        isAsked = true;
      },
    });
    const { needsReload, reload } = edge;
    edge.needsReload = async (model) => isAsked || (await needsReload(model));
    edge.reload = async (model) => {
      isAsked = false;
      await reload.call(edge, model);
    };
    const controller = new FakeController();
    controller.apps = [web(task())];
    const loop = await start(controller, edge);
    await vi.advanceTimersByTimeAsync(20_000);
    const { reloads } = edge;

    loop.forceReload();
    await vi.advanceTimersByTimeAsync(1_000);

    expect(edge.reloads).toBe(reloads + 1);
  });
});
