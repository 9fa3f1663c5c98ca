import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { Cluster, killQuietly, PORTS } from './support/cluster.js';
import { eventually, request } from './support/http.js';
import { Load } from './support/load.js';
import { check, fallIll, LoadedApp, only, towards } from './support/loaded-app.js';
import { Daemon } from './support/masters.js';

/** Each goes through several deployments beside the others. */
const LIMIT_MS = 300_000;
const SECOND_EDGE = '127.0.0.2';
/** One instance after the other, so that there is a middle. */
const ONE_BY_ONE = { upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0 } };
const BY_HALVES = { upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } };

/**
 * Every form of deployment while two edges are asked without a pause: no request fails, and none is answered by a version
 * that must not be there. The apps go through their forms side by side; half of them end at once on SIGTERM, whatever
 * they are answering.
 */
describe('an app under load', () => {
  vi.setConfig({ testTimeout: LIMIT_MS });
  const cluster = new Cluster({
    agents: 2,
    environment: { PACER_AGENT_CPUS: '16', PACER_AGENT_MEM_MIB: '16384' },
  });
  const { api } = cluster;
  const edges = [cluster.edgeUrl, cluster.edgeUrl.replace('127.0.0.1', SECOND_EDGE)];
  const secondRouter = new Daemon(
    'router',
    `http://127.0.0.1:${9091 + PORTS.offset}`,
    {
      PACER_DATA: join(cluster.dataDirectory, 'router-2'),
      PACER_CONTROLLER_URLS: api.url,
      PACER_EDGE_HOST: SECOND_EDGE,
      PACER_EDGE_HTTP_PORT: new URL(cluster.edgeUrl).port,
      PACER_EDGE_HTTPS_PORT: '0',
    },
    cluster.dataDirectory,
  );
  let secondController: Daemon | undefined;

  const rolling = new LoadedApp(api, '/rolling', { stops: 'at once', instances: 2 });
  const staged = new LoadedApp(api, '/staged', { stops: 'gracefully' });
  const failing = new LoadedApp(api, '/failing', { stops: 'at once' });
  const edited = new LoadedApp(api, '/edited', { stops: 'at once', ...ONE_BY_ONE });
  const shop = [
    new LoadedApp(api, '/shop/store', { stops: 'gracefully', instances: 2 }),
    new LoadedApp(api, '/shop/web', { stops: 'at once', instances: 2, dependencies: ['store'] }),
  ] as const;
  const everywhere = new LoadedApp(api, '/everywhere', {
    ...{ stops: 'at once', workload: 'daemon', instances: undefined },
    ...BY_HALVES,
    healthChecks: [check('MESOS_HTTP')],
  });
  const apps = [rolling, staged, failing, edited, ...shop, everywhere];
  const loads: Load[] = [];

  const isServed = async (app: LoadedApp, edge: string): Promise<boolean> =>
    (await request(`${edge}/`, { headers: { host: app.host } })).status === 200;

  beforeAll(async () => {
    await cluster.start();
    await secondRouter.start();
    for (const app of apps) await app.send('POST', '/v2/apps', app.definition('v1'));
    for (const app of apps) {
      await api.settled(app.id);
      for (const edge of edges) {
        await eventually(`${app.id} is served at ${edge}`, () => isServed(app, edge));
      }
    }
    for (const app of apps) {
      const load = new Load(app.host, edges);
      loads.push(load);
      app.putUnder(load);
    }
  });
  afterAll(async () => {
    await Promise.all(loads.map((load) => load.stop()));
    await secondController?.stop();
    await secondRouter.stop();
    await cluster.destroy();
  });

  it.concurrent('loses no request while it is scaled, upgraded by each strategy and restarted', async () => {
    const strategies = [
      { minimumHealthCapacity: 1, maximumOverCapacity: 0 },
      { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
      { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
      { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.5 },
    ];

    await rolling.form('scale up', only('v1'), () => rolling.put({ instances: 3 }));
    for (const [index, upgradeStrategy] of strategies.entries()) {
      const [before, after] = [`v${index + 1}`, `v${index + 2}`];
      const { minimumHealthCapacity, maximumOverCapacity } = upgradeStrategy;
      const name = `upgrade with ${minimumHealthCapacity} and ${maximumOverCapacity}`;
      await rolling.form(name, towards(before, after), () =>
        rolling.put({ ...rolling.versioned(after), upgradeStrategy }),
      );
    }
    await rolling.form('restart', only('v5'), () =>
      rolling.send('POST', `/v2/apps${rolling.id}/restart`),
    );
    await rolling.form('scale down', only('v5'), () => rolling.put({ instances: 2 }));

    rolling.expectNoFault();
  });

  it.concurrent('loses no request in batches, beside canaries and while it is paused', async () => {
    const steer = (id: string, command: string) =>
      staged.send('POST', `/v2/deployments/${id}/${command}`);
    const awaitPromotion = async (id: string, version: string): Promise<void> => {
      await staged.reaches(id, ({ awaitsPromotion }) => awaitsPromotion !== undefined);
      await staged.serves(version);
    };

    await staged.form('batches', towards('v1', 'v2'), async () => {
      const rollout = { batches: [1, 1] };
      const id = await staged.put({ ...staged.versioned('v2'), rollout });
      for (const batch of [1, 2]) {
        await staged.reaches(id, ({ paused }) => paused?.afterBatch?.batch === batch);
        await steer(id, 'resume');
      }
    });
    const rollout = { canary: { instances: 1 } };
    await staged.form('promoted canary', towards('v2', 'v3'), async () => {
      const id = await staged.put({ ...staged.versioned('v3'), rollout });
      await awaitPromotion(id, 'v3');
      await steer(id, 'promote');
    });
    await staged.form('aborted canary', towards('v3', 'v4', 'v3'), async () => {
      const id = await staged.put({ ...staged.versioned('v4'), rollout });
      await awaitPromotion(id, 'v4');
      await steer(id, 'abort');
    });
    await staged.form('pause and resume', towards('v3', 'v5'), async () => {
      const id = await staged.put({ ...staged.versioned('v5'), ...ONE_BY_ONE, rollout: {} });
      await staged.serves('v5');
      await steer(id, 'pause');
      await staged.reaches(id, ({ paused }) => paused !== undefined);
      await steer(id, 'resume');
    });

    staged.expectNoFault();
  });

  it.concurrent('loses no request when a version fails, or is taken back', async () => {
    const isRolledBack = (id: string) =>
      failing.reaches(
        id,
        ({ state, rolledBackBy }) => state === 'Failed' && rolledBackBy !== undefined,
      );
    const { version } = (await api.app(failing.id)) ?? {};

    await failing.form('failures', only('v1'), async () => {
      const faulty = failing.versioned('v2', { HEALTH: 'never', FATE: 'ends' });
      await isRolledBack(await failing.put({ ...faulty, rollout: { maxFailures: 0 } }));
    });
    await failing.form('deadline', only('v1'), async () => {
      const faulty = failing.versioned('v3', { HEALTH: 'never' });
      await isRolledBack(await failing.put({ ...faulty, rollout: { deadlineSeconds: 2 } }));
    });
    await failing.form('cancelled deployment', towards('v1', 'v4', 'v1'), async () => {
      const id = await failing.put({ ...failing.versioned('v4'), ...ONE_BY_ONE });
      await failing.serves('v4');
      await failing.send('DELETE', `/v2/deployments/${id}`);
    });
    await failing.form('upgrade', towards('v1', 'v5'), () => failing.put(failing.versioned('v5')));
    await failing.form('return to an earlier version', towards('v5', 'v1'), () =>
      failing.put({ version }),
    );

    failing.expectNoFault();
  });

  it.concurrent('loses no request when it is edited, replaced by force, killed or ill', async () => {
    const firstTask = async () => {
      const [task] = await api.tasks(edited.id);
      if (task === undefined) throw new Error(`${edited.id} has no task`);
      return task;
    };
    const tasksPath = `/v2/apps${edited.id}/tasks`;

    await edited.form('edit in place', only('v1'), () =>
      edited.put({
        labels: {
          ...{ HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: `${edited.host},other.localhost` },
          // A router that is gone must not be what this app waits for.
          PACER_DRAIN_SECONDS: '3600',
        },
        healthChecks: [check('HTTP'), check('TCP')],
      }),
    );
    await edited.form('replacement by force', towards('v1', 'v2', 'v3'), async () => {
      await edited.put(edited.versioned('v2'));
      await edited.serves('v2');
      await edited.put(edited.versioned('v3'), '?force=true');
    });
    await edited.form('kills', only('v3'), async () => {
      for (const id of (await edited.taskIds()).slice(1)) {
        await edited.send('DELETE', `${tasksPath}/${id}`);
        await edited.replaces(id);
      }
    });
    await edited.form('illness', only('v3'), async () => {
      const task = await firstTask();
      await fallIll(task);
      await edited.replaces(task.id);
    });
    await edited.form('kill that scales down', only('v3'), async () => {
      const { id } = await firstTask();
      await edited.send('DELETE', `${tasksPath}/${id}?scale=true`);
      await edited.replaces(id);
    });

    edited.expectNoFault();
  });

  it.concurrent('loses no request when its group is updated, and others come and go in it', async () => {
    const [store, web] = shop;
    const other = new LoadedApp(api, '/shop/other', { stops: 'at once', instances: 1 });
    const inGroup = (name: string, version: string, more: readonly LoadedApp[]) => {
      const body = { apps: [...shop, ...more].map((app) => app.definition(version)) };
      const versions = towards('v1', version);
      return store.form(name, versions, () =>
        web.form(name, versions, async () => {
          const id = await web.send('PUT', '/v2/groups/shop', body);
          await web.reaches(id, ({ state }) => state === 'Succeeded');
        }),
      );
    };

    await inGroup('group with another app', 'v1', [other]);
    await inGroup('group without the other, in another version', 'v2', []);

    for (const app of shop) app.expectNoFault();
  });

  it.concurrent('loses no request when it runs on every agent and is upgraded', async () => {
    await everywhere.form('daemon', towards('v1', 'v2'), () =>
      everywhere.put(everywhere.versioned('v2')),
    );

    everywhere.expectNoFault();
  });

  it('loses no request when the controller dies in the middle and another goes on', async () => {
    const environ = readFileSync(`/proc/${cluster.pid('controller')}/environ`, 'utf8').split('\0');
    const url = environ.find((entry) => entry.startsWith('DATABASE_URL='));
    secondController = new Daemon(
      'controller',
      `http://127.0.0.1:${8081 + PORTS.offset}`,
      {
        DATABASE_URL: url?.slice('DATABASE_URL='.length) ?? '',
        PACER_MASTER_URLS: cluster.masterUrl,
      },
      cluster.dataDirectory,
    );
    await secondController.start();
    const before = cluster.pid('controller');
    const upgrade = (app: LoadedApp, from: string) =>
      app.form('death of the controller', towards(from, 'v6'), async () => {
        await app.put({ ...app.versioned('v6'), ...ONE_BY_ONE });
        await app.serves('v6');
        killQuietly(before);
      });

    await Promise.all([upgrade(staged, 'v5'), upgrade(failing, 'v1')]);

    for (const app of [staged, failing]) app.expectNoFault();
  });

  it('loses no request when it is upgraded without an edge that is gone', async () => {
    const pidFile = join(cluster.dataDirectory, 'router-2/haproxy/haproxy.json');
    const { pid } = JSON.parse(readFileSync(pidFile, 'utf8')) as { readonly pid: number };
    await edited.traffic.stop();
    edited.expectNoFault();
    await secondRouter.stop();
    killQuietly(pid);
    const load = new Load(edited.host, edges.slice(0, 1));
    loads.push(load);
    edited.putUnder(load);

    await edited.form('death of an edge', towards('v3', 'v4'), () =>
      edited.put(edited.versioned('v4')),
    );

    edited.expectNoFault();
  });
});
