import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUSYBOX_IMAGE, ensureBusyboxImage, hasDocker } from '../support/busybox-image.js';
import { Cluster } from './support/cluster.js';
import { containerOf, containersOf } from './support/docker.js';
import { eventually, request } from './support/http.js';

const PATH = resolve(import.meta.dirname, '../../../shared/data/marathon/real-group-100-apps.json');
const isPresent = existsSync(PATH);
const hasEngine = isPresent && (await hasDocker());
if (!isPresent) process.stderr.write('skipped: the real group of 100 apps is not here\n');

type Json = Readonly<Record<string, unknown>>;

describe.runIf(isPresent)('a group of 100 apps of a real installation', () => {
  const cluster = new Cluster({
    environment: { PACER_AGENT_ATTRIBUTES: 'platform:foo;rack:bax-bar' },
  });
  const { api } = cluster;
  const group = isPresent
    ? (JSON.parse(readFileSync(PATH, 'utf8')) as {
        readonly id: string;
        readonly apps: readonly Json[];
      })
    : { id: '', apps: [] };

  beforeAll(() => cluster.start());
  afterAll(() => cluster.destroy());

  const ask = async (name: string): Promise<string> => {
    const headers = { host: `${name}.localhost` };
    return (await request(`${cluster.edgeUrl}/`, { headers })).text.trim();
  };

  it('is planned without being changed by a dry run', async () => {
    const reply = await api.send('PUT', '/v2/groups?dryRun=true', group);

    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text)).toHaveProperty('steps');
    expect(JSON.parse((await api.get('/v2/apps')).text)).toEqual({ apps: [] });
  });

  it('is applied, and listed back field by field', async () => {
    const reply = await api.send('PUT', '/v2/groups', group);
    expect(reply.status).toBe(200);
    expect(reply.headers['marathon-deployment-id']).toBeDefined();
    await eventually(
      'its deployment has ended',
      async () => (await api.deployments()).length === 0,
    );

    const listed = JSON.parse((await api.get('/v2/apps')).text) as {
      readonly apps: readonly Json[];
    };

    const byId = new Map(listed.apps.map((app) => [app['id'], app]));
    expect(byId.size).toBe(group.apps.length);
    for (const app of group.apps) {
      const { versionInfo: _written, ...declared } = app;
      expect(byId.get(app['id'])).toMatchObject(declared);
    }
  });

  it.runIf(hasEngine)('runs three of its apps in containers, two each, routed', async () => {
    await ensureBusyboxImage();
    const some = group.apps.slice(0, 3);
    const bodies = some.map((app, index) => ({
      ...app,
      instances: 2,
      // Their own registry is not reachable here. All else about their containers stays.
      container: withImage(app['container'], BUSYBOX_IMAGE),
      cmd: `echo "real-${index} $PORT0 $foo" > /www/index.html; exec httpd -f -p $HOST:$PORT0 -h /www`,
      // Process 1 of a container does not end at SIGTERM unless it asked for it.
      taskKillGracePeriodSeconds: 1,
      labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: `real-${index}.localhost` },
    }));

    const reply = await api.send('PUT', '/v2/apps?partialUpdate=false', bodies);

    expect(reply.status, reply.text).toBe(200);
    for (const [index, app] of some.entries()) {
      const tasks = await api.steady(String(app['id']), 2);
      for (const task of tasks) await containerOf(cluster, task.id);
      const foo = (app['env'] as Json | undefined)?.['foo'] ?? '';
      const expected = tasks.map((task) => `real-${index} ${task.ports[0]} ${foo}`.trim());
      await eventually(`both of real-${index} are served`, async () => {
        const answers = new Set<string>();
        for (let count = 0; count < 8; count += 1) answers.add(await ask(`real-${index}`));
        return expected.every((answer) => answers.has(answer));
      });
    }
    expect(await containersOf(cluster)).toHaveLength(6);
  });

  it('says in the queue that no agent satisfies an app, and starts nothing of it', async () => {
    const id = '/elsewhere';
    const constraints = [
      ['platform', 'CLUSTER', 'foo'],
      ['rack', 'CLUSTER', 'another'],
    ];
    const reply = await api.send('POST', '/v2/apps', {
      ...{ id, cmd: 'sleep 1000', cpus: 0.01, mem: 16, instances: 2, constraints },
    });
    expect(reply.status, reply.text).toBe(201);

    const waiting = await eventually('the refusal is counted', async () => {
      const { queue } = JSON.parse((await api.get('/v2/queue')).text) as { readonly queue: Json[] };
      const entry = queue.find((one) => (one['app'] as Json)['id'] === id) as
        | QueueEntry
        | undefined;
      return entry !== undefined && declined(entry, 'UnfulfilledConstraint') > 0
        ? entry
        : undefined;
    });

    expect(waiting.count).toBe(2);
    const { processedOffersCount, unusedOffersCount } = waiting.processedOffersSummary;
    expect(unusedOffersCount).toBe(processedOffersCount);
    const reasons = waiting.processedOffersSummary.rejectSummaryLastOffers
      .filter((stage) => stage.declined > 0)
      .map((stage) => stage.reason);
    expect(reasons).toEqual(['UnfulfilledConstraint']);
    expect(await api.tasks(id)).toEqual([]);
    expect(await api.deployments()).toMatchObject([{ affectedApps: [id] }]);

    expect((await api.send('DELETE', `/v2/apps${id}?force=true`)).status).toBe(200);
    await eventually('it is gone', async () => (await api.app(id)) === undefined);
    expect(JSON.parse((await api.get('/v2/queue')).text)).toEqual({ queue: [] });
  });
});

interface QueueEntry {
  readonly count: number;
  readonly processedOffersSummary: {
    readonly processedOffersCount: number;
    readonly unusedOffersCount: number;
    readonly rejectSummaryLastOffers: readonly {
      readonly reason: string;
      readonly declined: number;
    }[];
  };
}

const declined = (entry: QueueEntry, reason: string): number =>
  entry.processedOffersSummary.rejectSummaryLastOffers.find((stage) => stage.reason === reason)
    ?.declined ?? 0;

function withImage(container: unknown, image: string): Json {
  const { docker, ...rest } = container as { readonly docker: Json };
  return { ...rest, docker: { ...docker, image, forcePullImage: false } };
}
