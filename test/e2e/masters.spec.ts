import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTaskRunner, type RunnerTask, type TaskRunner } from '#framework';
import type { SchedulerEvent } from '#mesos-v1';
import { post, StreamClient } from '../../apps/master/src/master.test-support.js';
import { isAlive, PORTS, taskProcesses } from './support/cluster.js';
import { eventually, request } from './support/http.js';
import { type Daemon, MasterGroup } from './support/masters.js';

/** A framework notices a master that is frozen by five missed heartbeats. */
const FROZEN_LIMIT_MS = 150_000;

/** Three masters on one PostgreSQL; an agent and a framework that know all of them. */
describe('three masters', () => {
  const group = new MasterGroup({
    masters: 3,
    masterPort: 5070 + PORTS.offset,
    agentPort: 5080 + PORTS.offset,
    taskPorts: `${PORTS.tasks}-${PORTS.tasks + 400}`,
  });
  let runner: TaskRunner;
  const states = new Map<string, string>();

  const sleeper = (name: string): RunnerTask => ({
    name,
    command: 'exec sleep 100000',
    cpus: 0.1,
    memMib: 32,
  });
  const isRunning = (name: string, limitMs?: number): Promise<unknown> =>
    eventually(`${name} runs`, async () => states.get(name) === 'TASK_RUNNING', limitMs);
  const processes = (): readonly number[] =>
    taskProcesses({ dataDirectory: group.directory }).toSorted((left, right) => left - right);
  /** The whole way from the framework to the agent works, over whoever leads now. */
  const expectService = async (name: string, limitMs?: number): Promise<void> => {
    runner.submit(sleeper(name));
    await isRunning(name, limitMs);
    runner.kill(name);
    await eventually(`${name} is killed`, async () => states.get(name) === 'TASK_KILLED');
  };
  /** Who leads and has the agent, which may change on a busy machine. */
  const leaderWithAgent = (exceptPid?: number): Promise<Daemon> =>
    eventually('a master leads and has the agent', async () => {
      const master = await group.leader(exceptPid);
      const { slaves } = JSON.parse((await request(`${master.url}/slaves`)).text) as {
        readonly slaves: readonly { readonly active: boolean }[];
      };
      return slaves.length === 1 && slaves[0]?.active === true ? master : undefined;
    });

  beforeAll(async () => {
    await group.start();
    runner = createTaskRunner({
      masters: group.masterUrls,
      frameworkInfo: { name: 'fail-over', user: userInfo().username },
      onStatus: ({ place, status }) => void states.set(place.name, status.state),
    });
    await runner.start();
    for (const name of ['a', 'b', 'c']) runner.submit(sleeper(name));
    for (const name of ['a', 'b', 'c']) await isRunning(name);
  });
  afterAll(async () => {
    await runner.teardown().catch(() => undefined);
    // The stranger's is left: nobody tore it down.
    await eventually('its tasks are gone', async () => processes().length <= 1, 15_000).catch(
      () => undefined,
    );
    for (const pid of processes()) process.kill(pid, 'SIGKILL');
    await group.destroy();
  });

  it('followers answer 307, and name who leads', async () => {
    const leader = await group.leader();
    const { host } = new URL(leader.url);
    const followers = group.masters.filter((master) => master !== leader);

    for (const follower of followers) {
      const call = await post(`${follower.url}/api/v1/scheduler`, { type: 'SUBSCRIBE' });
      expect([call.status, call.headers['location']]).toEqual([307, `//${host}/api/v1/scheduler`]);
      const read = await request(`${follower.url}/state`);
      expect([read.status, read.headers['location']]).toEqual([307, `//${host}/state`]);
      const redirect = await request(`${follower.url}/redirect`);
      expect(redirect.headers['location']).toBe(`//${host}`);
    }
    expect(followers).toHaveLength(2);
  });

  it('another leads after kill -9 of the leader, and no task is touched', async () => {
    const leader = await group.leader();
    const leaderPid = leader.pid;
    const before = processes();
    const killedAtMs = performance.now();

    leader.signal('SIGKILL');

    await group.leader(leaderPid);
    const tookMs = Math.round(performance.now() - killedAtMs);
    process.stdout.write(`a new leader served ${tookMs} ms after kill -9 of the old one\n`);
    await leaderWithAgent();
    await expectService('after-kill');
    expect(processes()).toEqual(before);
  });

  it('a leader that was frozen ends when it wakes up, and launches and kills nothing', async () => {
    const leader = await leaderWithAgent();
    const leaderPid = leader.pid;
    const stranger = await launchAtOnce(leader.url);
    await eventually('the stranger’s task runs', async () => processes().length === 4);
    const before = processes();

    leader.signal('SIGSTOP');
    // They wait in its socket, to be read first thing when it wakes up.
    const calls = Promise.allSettled([
      stranger.call({ type: 'KILL', kill: { task_id: { value: stranger.taskId } } }),
      stranger.call({ type: 'TEARDOWN' }),
    ]);
    await leaderWithAgent(leaderPid);
    leader.signal('SIGCONT');

    await leader.end(leaderPid);
    expect(leader.log).toMatch(/the lease of epoch \d+ is lost|no longer stands/);
    for (const outcome of await calls) {
      if (outcome.status === 'fulfilled') expect(outcome.value.status).toBe(503);
    }
    await expectService('after-freeze', FROZEN_LIMIT_MS);
    expect(processes()).toEqual(before);
  }, 400_000);

  it('a leader cut off from the database alone lets its agents and frameworks go', async () => {
    const leader = await leaderWithAgent();
    const before = processes();
    const leaderPid = leader.pid;
    const route = group.routes[group.masters.indexOf(leader)];

    route?.cut();
    await leaderWithAgent(leaderPid);
    await expectService('after-cut');
    expect(processes()).toEqual(before);
    route?.mend();

    await leader.end(leaderPid);
    expect(processes()).toEqual(before);
    expect(before.every(isAlive)).toBe(true);
  }, 300_000);
});

/** A framework of few words: launches one task on the first offer it gets, and keeps its stream. */
async function launchAtOnce(masterUrl: string) {
  const url = `${masterUrl}/api/v1/scheduler`;
  const user = userInfo().username;
  const stream = await StreamClient.open<SchedulerEvent>(url, {
    type: 'SUBSCRIBE',
    subscribe: { framework_info: { user, name: 'stranger', failover_timeout: 3_600 } },
  });
  const subscribed = await stream.next(({ type }) => type === 'SUBSCRIBED');
  const id = subscribed.type === 'SUBSCRIBED' ? subscribed.subscribed.framework_id.value : '';
  const call = (body: object) =>
    post(
      url,
      { framework_id: { value: id }, ...body },
      { 'mesos-stream-id': String(stream.headers['mesos-stream-id']) },
    );
  const event = await stream.next(({ type }) => type === 'OFFERS');
  const offer = event.type === 'OFFERS' ? event.offers.offers[0] : undefined;
  const taskId = `stranger-${process.pid}`;
  const scalar = (name: string, value: number) => ({ name, type: 'SCALAR', scalar: { value } });
  await call({
    type: 'ACCEPT',
    accept: {
      offer_ids: [offer?.id],
      operations: [
        {
          type: 'LAUNCH',
          launch: {
            task_infos: [
              {
                name: 'stranger',
                task_id: { value: taskId },
                agent_id: offer?.agent_id,
                resources: [scalar('cpus', 0.1), scalar('mem', 32)],
                command: { value: 'exec sleep 100000' },
              },
            ],
          },
        },
      ],
    },
  });
  return { taskId, call };
}
