import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedAgents } from '../bench/simulated-agents.js';
import { Cluster } from './support/cluster.js';
import { followEvents, type SeenEvent } from './support/events.js';
import { eventually } from './support/http.js';

const FOLDER = resolve(import.meta.dirname, '../../../shared/data/marathon');
/** Groups of real installations, all of whose apps are scaled to zero: how many instances each gets here. */
const GROUPS = [
  { name: 'real-group-100-apps.json', instances: 10, isUpdated: true },
  { name: 'real-group-500-apps.json', instances: 2, isUpdated: false },
].map((group) => ({ ...group, path: resolve(FOLDER, group.name) }));
const arePresent = GROUPS.every(({ path }) => existsSync(path));
if (!arePresent) process.stderr.write('skipped: the groups of real installations are not here\n');

const AGENTS = 20;
/** Where the rules of the groups want their apps; what they run in is left out, by these agents alone. */
const ATTRIBUTES = { platform: 'foo', rack: 'bax-bar', docker: 'true', fleet: 'simulated' };
/** An app depends on one that comes before it, in three layers. */
const LAYERS = 3;
const LIMIT_MS = 110_000;

type Json = Readonly<Record<string, unknown>>;
interface Group {
  readonly id: string;
  readonly apps: readonly (Json & { readonly id: string })[];
}
interface Task {
  readonly id: string;
  readonly state: string;
  readonly healthCheckResults?: readonly { readonly alive: boolean }[];
}
interface Listed extends Json {
  readonly id: string;
  readonly version: string;
  readonly versionInfo: Json;
  readonly tasks: readonly Task[];
}

let start: () => void = () => undefined;

describe.runIf(arePresent)('groups of real installations, with their instances', () => {
  const cluster = new Cluster();
  const { api } = cluster;
  const agents = new Promise<SimulatedAgents>((subscribed) => {
    const all: SimulatedAgents = new SimulatedAgents({
      ...{ masterUrl: cluster.masterUrl, count: AGENTS, tasksEach: 0, frameworks: [] },
      attributes: ATTRIBUTES,
      onAllSubscribed: () => subscribed(all),
    });
    start = () => all.start();
  });

  beforeAll(async () => {
    await cluster.start();
    start();
    await agents;
  });
  afterAll(async () => {
    (await agents).hold();
    await cluster.destroy();
  });

  describe.each(GROUPS)('$name, $instances instances each', ({ path, instances, isUpdated }) => {
    const group = raise(path, instances);
    const count = group.apps.length;

    it('runs, what others depend on first, and is listed as it was put', async () => {
      const firsts = new FirstAndLast(instances);
      const events = await followEvents(api.url, {
        query: '?event_type=status_update_event',
        onEvent: (event) => firsts.note(event),
      });

      await deploy(group);

      await eventually('all events are here', async () => firsts.lasts.size === count, LIMIT_MS);
      events.close();
      for (const app of group.apps) {
        for (const dependency of app['dependencies'] as readonly string[]) {
          const last = firsts.lasts.get(dependency) ?? Number.NaN;
          expect(firsts.firsts.get(app.id), `${app.id} after ${dependency}`).toBeGreaterThan(last);
        }
      }
      const listed = await list();
      expect(listed.size).toBe(count);
      for (const app of group.apps) {
        expect(definitionOf(listed.get(app.id))).toEqual(withDefaults(app));
        expectSteady(listed.get(app.id), instances);
      }
    });

    it('is scaled, and what runs stays', async () => {
      const before = await list();

      const apps = group.apps.map((app) => ({ ...app, instances: instances + 1 }));
      await deploy({ ...group, apps });

      for (const [id, app] of await list()) {
        expectSteady(app, instances + 1);
        expect(idsOf(app)).toEqual(expect.arrayContaining([...idsOf(before.get(id))]));
      }
    });

    it('is rolled back from a new version to what it was, with what runs', async () => {
      const before = await list();
      const canary = { instances: 1 };
      const apps = group.apps.map((app) => ({
        ...app,
        instances: instances + 1,
        env: { RELEASE: '2' },
        rollout: { canary },
      }));

      const reply = await api.send('PUT', `/v2/groups${group.id}`, { ...group, apps });
      expect(reply.status, reply.text).toBe(200);
      const { deploymentId } = JSON.parse(reply.text) as { readonly deploymentId: string };
      await eventually('canaries run of the first layer', async () => {
        const { waitingFor } = (await detail(deploymentId)) as {
          readonly waitingFor: readonly string[];
        };
        const listed = [...(await list()).values()];
        const more = listed.filter(({ tasks }) => tasks.length === instances + 2);
        return waitingFor.length > 0 && more.length >= count / LAYERS - 1;
      });
      const undone = await api.send('DELETE', `/v2/deployments/${deploymentId}`);
      expect(undone.status, undone.text).toBe(200);
      await noDeployment();

      const after = await list();
      expect(await detail(deploymentId)).toMatchObject({ state: 'Cancelled' });
      for (const [id, app] of after) {
        const { tasks: _now, ...definition } = app;
        const { tasks: _then, ...original } = before.get(id) ?? app;
        expect(definition).toEqual(original);
        expectSteady(app, instances + 1);
        expect(idsOf(app)).toEqual(idsOf(before.get(id)));
      }
    });

    if (isUpdated)
      it('is updated to a new version', async () => {
        const apps = group.apps.map((app) => ({ ...app, instances, env: { RELEASE: '3' } }));
        const before = await list();

        await deploy({ ...group, apps });

        for (const [id, app] of await list()) {
          expect(app).toMatchObject({ env: { RELEASE: '3' } });
          expectSteady(app, instances);
          const old = new Set(idsOf(before.get(id)));
          expect(idsOf(app).filter((task) => old.has(task))).toEqual([]);
        }
      });

    it('is removed', async () => {
      const reply = await api.send('DELETE', `/v2/groups${group.id}?force=true`);
      expect(reply.status, reply.text).toBe(200);
      await noDeployment();
      expect(await list()).toEqual(new Map());
    });
  });

  async function deploy(group: Group): Promise<void> {
    const reply = await api.send('PUT', `/v2/groups${group.id}`, group);
    expect([200, 201], reply.text).toContain(reply.status);
    await noDeployment();
    const { deploymentId } = JSON.parse(reply.text) as { readonly deploymentId: string };
    expect(await detail(deploymentId)).toMatchObject({ state: 'Succeeded' });
  }

  const noDeployment = () =>
    eventually('no deployment runs', async () => (await api.deployments()).length === 0, LIMIT_MS);

  const detail = async (id: string): Promise<Json> =>
    JSON.parse((await api.get(`/v2/deployments/${id}`)).text) as Json;

  async function list(): Promise<ReadonlyMap<string, Listed>> {
    const { text } = await api.get('/v2/apps?embed=apps.tasks');
    const { apps } = JSON.parse(text) as { readonly apps: readonly Listed[] };
    return new Map(apps.map((app) => [app.id, app]));
  }
});

/** What is filled in where the files and {@link raise} say nothing; what is empty is left out. */
function withDefaults({ dependencies, ...app }: Json): Json {
  const isFree = (dependencies as readonly string[]).length === 0;
  const ports = app['portDefinitions'] as readonly Json[];
  return {
    ...app,
    ...(isFree ? {} : { dependencies }),
    role: '*',
    portDefinitions: ports.map((port) => ({ labels: {}, ...port })),
    healthChecks: [
      {
        ...{ ...CHECK, delaySeconds: 15, intervalSeconds: 60, ipProtocol: 'IPv4' },
        ...{ maxConsecutiveFailures: 3, timeoutSeconds: 20 },
      },
    ],
  };
}

const CHECK = { protocol: 'MESOS_TCP', portIndex: 0, gracePeriodSeconds: 30 };

/** What a client decides of an app. */
const definitionOf = (app: Listed | undefined): Json =>
  Object.fromEntries(
    Object.entries(app ?? {}).filter(
      ([name]) => !/^(?:tasks.*|deployments|version|versionInfo)$/.test(name),
    ),
  );

/** The group as its file has it, with instances, a check that its agents run, and dependencies in layers. */
function raise(path: string, instances: number): Group {
  if (!existsSync(path)) return { id: '/', apps: [] };
  const group = JSON.parse(readFileSync(path, 'utf8')) as Group;
  const apps = group.apps.map((app, index) => {
    const { versionInfo: _written, ...declared } = app;
    const layer = index % LAYERS;
    const below = group.apps[index - 1]?.id;
    return {
      ...declared,
      id: app.id,
      instances,
      constraints: [...(app['constraints'] as Json[]), ['fleet', 'CLUSTER', 'simulated']],
      healthChecks: [CHECK],
      dependencies: layer === 0 || below === undefined ? [] : [below],
    };
  });
  return { ...group, apps };
}

/** By app: when its first task was seen and when so many ran, counted in events. */
class FirstAndLast {
  readonly firsts = new Map<string, number>();
  readonly lasts = new Map<string, number>();
  private readonly running = new Map<string, number>();
  private number = 0;

  constructor(private readonly instances: number) {}

  note({ data }: SeenEvent): void {
    this.number += 1;
    const app = String(data['appId']);
    if (!this.firsts.has(app)) this.firsts.set(app, this.number);
    if (data['taskStatus'] !== 'TASK_RUNNING') return;
    const count = (this.running.get(app) ?? 0) + 1;
    this.running.set(app, count);
    if (count === this.instances) this.lasts.set(app, this.number);
  }
}

const idsOf = (app: Listed | undefined): readonly string[] =>
  (app?.tasks ?? []).map(({ id }) => id).sort();

function expectSteady(app: Listed | undefined, count: number): void {
  const tasks = app?.tasks ?? [];
  const bad = tasks.filter(
    ({ state, healthCheckResults = [] }) =>
      state !== 'TASK_RUNNING' || healthCheckResults.some(({ alive }) => !alive),
  );
  expect(bad).toEqual([]);
  expect(app).toMatchObject({
    ...{ instances: count, tasksRunning: count, tasksHealthy: count },
    ...{ tasksStaged: 0, tasksUnhealthy: 0 },
  });
  expect(tasks).toHaveLength(count);
}
