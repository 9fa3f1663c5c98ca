import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webApp } from './support/apps.js';
import {
  type Cluster,
  findProcesses,
  isAlive,
  killQuietly,
  taskProcesses,
} from './support/cluster.js';
import { createCluster, DATABASES } from './support/databases.js';
import { eventually, pause, request } from './support/http.js';
import type { MarathonClient } from './support/marathon-client.js';
import { startTraffic } from './support/traffic.js';

/** Longer than the master waits for an agent that is not heard. */
const OUTAGE_MS = 20_000;

/** Whatever of ours is killed: tasks keep their pids, traffic goes on, the state converges. */
describe.each(DATABASES)('killing what runs the tasks, with the %s database', (database) => {
  let cluster: Cluster;
  let api: MarathonClient;
  let destroy = async (): Promise<void> => undefined;
  let databaseProcesses = (): readonly number[] => [];
  let pids = '';
  const serverPids = (): string => [...taskProcesses(cluster)].sort().join();

  const isServed = async (): Promise<boolean> =>
    (await request(`${cluster.edgeUrl}/`, { headers: { host: 'tough.localhost' } })).status === 200;

  beforeAll(async () => {
    ({ cluster, destroy, databaseProcesses } = await createCluster(database));
    ({ api } = cluster);
    await cluster.start();
    expect((await api.send('POST', '/v2/apps', webApp('/tough'))).status).toBe(201);
    await api.steady('/tough', 3);
    await eventually('the edge serves it', isServed);
    pids = serverPids();
  });
  afterAll(() => destroy());

  /** The control plane works again: it takes a change, carries it out, and takes it back. */
  const expectConverged = async (): Promise<void> => {
    await eventually('a change is accepted', async () => {
      const reply = await api.send('POST', '/v2/apps', webApp('/probe', { instances: 1 }));
      return reply.status === 201 || reply.status === 409;
    });
    await api.steady('/probe', 1);
    await api.settled('/probe');
    expect((await api.send('DELETE', '/v2/apps/probe')).status).toBe(200);
    await eventually('the probe is gone', async () => (await api.app('/probe')) === undefined);
    await api.steady('/tough', 3);
    await eventually('only the tasks from before are left', async () => serverPids() === pids);
  };

  // Nobody here starts an external database again.
  const victims = ['controller', 'master', 'agent-1', 'router'];
  it.each(database === 'embedded' ? [...victims, 'database'] : victims)(
    'survives kill -9 of the %s',
    async (name) => {
      const traffic = startTraffic(`${cluster.edgeUrl}/`, { host: 'tough.localhost', clients: 4 });
      await pause(200);
      const before = cluster.pid(name);

      killQuietly(before);

      await eventually(`a new ${name}`, async () => cluster.pid(name) !== before);
      await expectConverged();
      const report = await traffic.stop();
      expect(Object.fromEntries(report.failures)).toEqual({});
    },
  );

  it('keeps every task, and serves, while the database answers nothing for 20 s', async () => {
    const ids = async () => (await api.tasks('/tough')).map(({ id }) => id).sort();
    const before = await ids();
    const traffic = startTraffic(`${cluster.edgeUrl}/`, { host: 'tough.localhost', clients: 4 });
    const frozen = databaseProcesses();

    for (const pid of frozen) killQuietly(pid, 'SIGSTOP');
    await pause(OUTAGE_MS);
    for (const pid of frozen) killQuietly(pid, 'SIGCONT');

    await expectConverged();
    expect(await ids()).toEqual(before);
    expect(Object.fromEntries((await traffic.stop()).failures)).toEqual({});
  });

  it('starts HAProxy again when it is killed', async () => {
    const before = cluster.haproxyPid();

    killQuietly(before);

    await eventually('a new HAProxy', async () => cluster.haproxyPid() !== before);
    await eventually('the edge serves again', isServed);
    expect(serverPids()).toBe(pids);
  });

  it('leaves everything running when pacer up itself is killed, and adopts it afterwards', async () => {
    const before = { ...cluster.pids(), haproxy: cluster.haproxyPid() };
    const traffic = startTraffic(`${cluster.edgeUrl}/`, { host: 'tough.localhost', clients: 4 });

    await cluster.killSupervisor();
    await pause(500);
    await cluster.start();

    const after = { ...cluster.pids(), haproxy: cluster.haproxyPid() };
    expect({ ...after, supervisor: 0 }).toEqual({ ...before, supervisor: 0 });
    await expectConverged();
    expect(Object.fromEntries((await traffic.stop()).failures)).toEqual({});
  });

  it('loses no app whose POST was answered when everything is killed at once', async () => {
    const acknowledged: string[] = [];
    let isPosting = true;
    const posting = (async () => {
      for (let index = 0; isPosting; index += 1) {
        const id = `/kept/app-${index}`;
        const reply = await api
          .send('POST', '/v2/apps', { id, cmd: 'sleep 1', instances: 0, cpus: 0.01, mem: 8 })
          .catch(() => undefined);
        if (reply?.status === 201) acknowledged.push(id);
      }
    })();
    const traffic = startTraffic(`${cluster.edgeUrl}/`, { host: 'tough.localhost', clients: 4 });
    await pause(700);

    const all = Object.values(cluster.pids());
    for (const pid of all) killQuietly(pid);
    isPosting = false;
    await posting;
    await cluster.start();

    expect(acknowledged.length).toBeGreaterThan(3);
    await eventually('the api answers', async () => (await api.get('/v2/apps')).status === 200);
    for (const id of acknowledged) expect(await api.app(id), id).toBeDefined();
    await expectConverged();
    expect(Object.fromEntries((await traffic.stop()).failures)).toEqual({});
  });

  it('adopts its tasks after a stop with --keep-tasks', async () => {
    await cluster.stop();
    await cluster.start({ keepTasks: true });
    await api.steady('/tough', 3);
    pids = serverPids();

    await cluster.stop();
    expect(serverPids()).toBe(pids);
    await cluster.start();

    await expectConverged();
  });

  it('stops everything, tasks included', async () => {
    const running = cluster.pids();

    await cluster.stop();

    expect(taskProcesses(cluster)).toEqual([]);
    expect(findProcesses(cluster.dataDirectory)).toEqual([]);
    expect(Object.entries(running).filter(([, pid]) => isAlive(pid))).toEqual([]);
  });
});
