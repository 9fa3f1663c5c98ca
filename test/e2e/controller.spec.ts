import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, isAlive, killQuietly, taskProcesses } from './support/cluster.js';
import { createCluster } from './support/databases.js';
import { eventually, pause, request } from './support/http.js';
import type { MarathonClient } from './support/marathon-client.js';

/** Longer than the controller's own limit for one statement. */
const FREEZE_MS = 30_000;

interface Info {
  readonly frameworkId: string;
  readonly marathon_config: { readonly master: string };
}

const sleeper = (id: string, more: Readonly<Record<string, unknown>> = {}) => ({
  id,
  cmd: 'exec sleep 10000',
  cpus: 0.01,
  mem: 16,
  ...more,
});

/** What holds between controller, master and database while one of them fails the other. */
describe('a controller', () => {
  let cluster: Cluster;
  let api: MarathonClient;
  let databaseProcesses = (): readonly number[] => [];
  let destroy = async (): Promise<void> => undefined;

  const info = async (): Promise<Info> => JSON.parse((await api.get('/v2/info')).text) as Info;
  const processes = (): string => [...taskProcesses(cluster)].sort().join();
  const signalDatabase = (signal: NodeJS.Signals): void => {
    for (const pid of databaseProcesses()) killQuietly(pid, signal);
  };

  beforeAll(async () => {
    ({ cluster, databaseProcesses, destroy } = await createCluster('embedded'));
    ({ api } = cluster);
    await cluster.start();
    const created = await api.send('POST', '/v2/apps', sleeper('/kept', { instances: 2 }));
    expect(created.status).toBe(201);
    await api.steady('/kept', 2);
  });
  afterAll(() => destroy());

  it('keeps the data of a resident app through kills, upgrades and restarts of its agent, until it is wiped', async () => {
    const write = (word: string) => `echo ${word} >> data/log; exec sleep 10000`;
    const volumes = [{ containerPath: 'data', mode: 'RW', persistent: { size: 16 } }];
    const store = sleeper('/store', { cmd: write('one'), container: { type: 'MESOS', volumes } });
    const folder = join(cluster.dataDirectory, 'agent-1/volumes/roles/pacer');
    const volumeOf = async () => {
      const [task] = await api.steady('/store', 1);
      const [volume] = (task?.localVolumes ?? []) as readonly { readonly persistenceId: string }[];
      return volume?.persistenceId ?? '';
    };
    const written = (volume: string, words: string) =>
      eventually(`the volume holds ${words}`, async () => {
        const path = join(folder, volume, 'log');
        return (
          existsSync(path) && readFileSync(path, 'utf8').split('\n').join(' ').trim() === words
        );
      });

    expect((await api.send('POST', '/v2/apps', store)).status).toBe(201);
    const volume = await volumeOf();
    await written(volume, 'one');
    const [task] = await api.tasks('/store');
    expect((await api.send('DELETE', '/v2/apps/store/tasks')).status).toBe(200);
    await written(volume, 'one one');
    expect((await api.steady('/store', 1))[0]?.id).toBe(task?.id.replace(/1$/, '2'));
    expect((await api.send('PUT', '/v2/apps/store', { cmd: write('two') })).status).toBe(200);
    await written(volume, 'one one two');
    await api.settled('/store');
    const before = cluster.pid('agent-1');
    killQuietly(before);
    await eventually('a new agent', async () => cluster.pid('agent-1') !== before);
    await api.steady('/store', 1);
    expect((await api.send('DELETE', '/v2/apps/store/tasks')).status).toBe(200);
    await written(volume, 'one one two two');
    expect(await volumeOf()).toBe(volume);
    const [last] = await api.tasks('/store');
    const file = await api.get(`/v2/tasks/${last?.id}/files/read?path=data/log&offset=0`);
    expect(JSON.parse(file.text)).toMatchObject({ data: 'one\none\ntwo\ntwo\n' });

    expect((await api.send('DELETE', '/v2/apps/store/tasks?wipe=true')).status).toBe(200);
    await eventually('the volume is gone', async () => !existsSync(join(folder, volume)));
    await written(await volumeOf(), 'two');
    expect((await api.send('DELETE', '/v2/apps/store')).status).toBe(200);
    await eventually('nothing is left', async () => readdirSync(folder).length === 0);
  });

  it('starts apps of roles it has not had before, and touches no task for it', async () => {
    const before = processes();

    const app = await api.send('POST', '/v2/apps', sleeper('/dev/web', { role: 'dev' }));
    await api.steady('/dev/web', 1);
    const group = await api.send('PUT', '/v2/groups/prod', { enforceRole: true });
    const enforced = await api.send('POST', '/v2/apps', sleeper('/prod/web'));
    await api.steady('/prod/web', 1);

    expect([app.status, group.status < 300, enforced.status]).toEqual([201, true, 201]);
    expect((await api.app('/prod/web'))?.['role']).toBe('prod');
    expect(processes().split(',')).toEqual(expect.arrayContaining(before.split(',')));
    expect((await info()).marathon_config.master).toBe(new URL(cluster.masterUrl).host);
  });

  it('reads from memory, refuses writes and goes on afterwards while the database hangs', async () => {
    const before = processes();
    const accepted: string[] = [];
    const answers = new Map<number, number>();

    signalDatabase('SIGSTOP');
    const thawAtMs = performance.now() + FREEZE_MS;
    let reads = 0;
    for (let count = 0; performance.now() < thawAtMs; count += 1) {
      expect((await api.get('/v2/apps')).status).toBe(200);
      reads += 1;
      const id = `/during/app-${count}`;
      const { status } = await api.send('POST', '/v2/apps', sleeper(id, { instances: 0 }));
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status === 201) accepted.push(id);
      await pause(200);
    }
    signalDatabase('SIGCONT');

    expect([...answers.keys()]).toEqual([503]);
    expect(reads).toBeGreaterThan(3);
    await eventually('a write is accepted', async () => {
      const reply = await api.send('PUT', '/v2/apps/after', sleeper('/after'));
      return reply.status === 201 || reply.status === 200;
    });
    await api.steady('/after', 1);
    await api.steady('/kept', 2);
    expect(processes().split(',')).toEqual(expect.arrayContaining(before.split(',')));
    for (const id of accepted) expect(await api.app(id), id).toBeDefined();
  });

  it('stops in good order although the database hangs', async () => {
    const before = cluster.pid('controller');

    signalDatabase('SIGSTOP');
    killQuietly(before, 'SIGTERM');
    await eventually('it has ended', async () => !isAlive(before));
    signalDatabase('SIGCONT');

    await eventually('another leads', async () => (await api.get('/v2/apps')).status === 200);
    await api.steady('/kept', 2);
    const log = readFileSync(join(cluster.dataDirectory, 'logs/controller.log'), 'utf8');
    expect(log).not.toContain('did not stop in time');
  });

  it('registers anew and replaces its tasks when its framework was torn down', async () => {
    const { frameworkId } = await info();
    const before = taskProcesses(cluster);

    const answer = await request(`${cluster.masterUrl}/api/v1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        type: 'TEARDOWN',
        teardown: { framework_id: { value: frameworkId } },
      }),
    });

    expect(answer.status).toBeLessThan(300);
    await eventually('a new framework', async () => (await info()).frameworkId !== frameworkId);
    await api.steady('/kept', 2);
    await eventually('the old tasks are gone', async () => !before.some(isAlive));
    expect((await info()).frameworkId).toMatch(/-\d{4}$/);
  });
});
