import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resources } from '#core';
import { createScheduler, type Scheduler } from '#framework';
import { type TaskStatus, toWireResources, type WireOffer } from '#mesos-v1';
import { Cluster, isAlive, killQuietly } from './support/cluster.js';
import { eventually, request } from './support/http.js';
import { startPacer } from './support/pacer.js';

const PROGRAM = join(import.meta.dirname, 'support/small-executor.mjs');

interface AgentStateDocument {
  readonly frameworks: readonly {
    readonly id: string;
    readonly executors: readonly {
      readonly id: string;
      readonly pid: number;
      readonly limits: { readonly memMib: number };
      readonly tasks: readonly { readonly id: string }[];
    }[];
  }[];
}

interface MasterStateDocument {
  readonly frameworks: readonly {
    readonly id: string;
    readonly name: string;
    readonly used_resources: { readonly cpus: number };
  }[];
}

/** A framework whose tasks run in one executor of its own, a small program. */
class ExecutorFramework {
  readonly scheduler: Scheduler;
  readonly statuses: TaskStatus[] = [];
  readonly messages: string[] = [];
  readonly failures: { readonly executorId?: string; readonly status?: number }[] = [];
  /** Until it is called, updates that `holds` names are not acknowledged. */
  release: () => void = () => undefined;
  holds: (status: TaskStatus) => boolean = () => false;
  private readonly released = new Promise<void>((resolve) => {
    this.release = resolve;
  });
  private wanted: readonly string[] = [];
  private agentId = '';

  constructor(
    name: string,
    private readonly cluster: Cluster,
  ) {
    this.scheduler = createScheduler({
      masters: [cluster.masterUrl],
      frameworkInfo: {
        ...{ name, user: userInfo().username, failover_timeout: 60, checkpoint: true },
      },
      handlers: {
        onSubscribed: () => undefined,
        onOffers: (offers) => this.consider(offers),
        onRescind: () => undefined,
        onUpdate: async (status) => {
          this.statuses.push(status);
          if (this.holds(status)) await this.released;
        },
        onFailure: (failure) => void this.failures.push(failure),
        onMessage: ({ data }) => void this.messages.push(Buffer.from(data, 'base64').toString()),
        onError: (message) => void this.messages.push(message),
        onDisconnected: () => undefined,
      },
    });
    this.scheduler.start();
  }

  async launch(...ids: readonly string[]): Promise<void> {
    this.wanted = ids;
    await eventually('they are launched', async () => {
      await this.scheduler.call({ type: 'REVIVE' }).catch(() => undefined);
      return this.wanted.length === 0;
    });
  }

  say(text: string): Promise<void> {
    const data = Buffer.from(text).toString('base64');
    return this.scheduler.call({ type: 'MESSAGE', message: { ...this.executor, data } });
  }

  shutDown(): Promise<void> {
    return this.scheduler.call({ type: 'SHUTDOWN', shutdown: this.executor });
  }

  kill(id: string): Promise<void> {
    return this.scheduler.call({ type: 'KILL', kill: { task_id: { value: id } } });
  }

  hears(id: string, state: string): Promise<TaskStatus> {
    return eventually(`${id} is ${state}`, async () =>
      this.statuses.find((one) => one.task_id.value === id && one.state === state),
    );
  }

  /** What the executor printed. */
  async output(): Promise<readonly string[]> {
    const path = `/frameworks/${this.scheduler.frameworkId}/executors/small/runs/latest/stdout`;
    const { text } = await request(`${this.cluster.agentUrl}/files/download?path=${path}`);
    return text.split('\n');
  }

  async prints(line: string): Promise<void> {
    await eventually(`it prints ${line}`, async () => (await this.output()).includes(line));
  }

  /** As the agent shows it. */
  async shown() {
    const { text } = await request(`${this.cluster.agentUrl}/state`);
    const { frameworks } = JSON.parse(text) as AgentStateDocument;
    const mine = frameworks.find(({ id }) => id === this.scheduler.frameworkId);
    return mine?.executors.find(({ id }) => id === 'small');
  }

  /** What the master has it charged, in cpus. */
  async charged(): Promise<number | undefined> {
    const { text } = await request(`${this.cluster.masterUrl}/state`);
    const { frameworks } = JSON.parse(text) as MasterStateDocument;
    const mine = frameworks.find(({ id }) => id === this.scheduler.frameworkId);
    return mine?.used_resources.cpus;
  }

  private get executor() {
    return { agent_id: { value: this.agentId }, executor_id: { value: 'small' } };
  }

  private async consider(offers: readonly WireOffer[]): Promise<void> {
    for (const offer of offers) {
      const ids = this.wanted;
      this.wanted = [];
      if (ids.length > 0) this.agentId = offer.agent_id.value;
      const task_infos = ids.map((id) => ({
        name: id,
        task_id: { value: id },
        agent_id: offer.agent_id,
        resources: toWireResources(resources({ cpus: 0.1, mem: 32 })),
        executor: {
          executor_id: { value: 'small' },
          type: 'CUSTOM' as const,
          command: { value: `exec '${process.execPath}' '${PROGRAM}'` },
          resources: toWireResources(resources({ cpus: 0.1, mem: 128 })),
        },
      }));
      const operations =
        ids.length === 0 ? [] : [{ type: 'LAUNCH' as const, launch: { task_infos } }];
      const accept = { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0.1 } };
      await this.scheduler.call({ type: 'ACCEPT', accept });
    }
  }
}

describe('custom executors', () => {
  const cluster = new Cluster({ agents: 1 });

  beforeAll(() => cluster.start());
  afterAll(() => cluster.destroy());

  it('one runs two tasks, goes on over kill -9 of the agent, and ends when it is shut down', async () => {
    const framework = new ExecutorFramework('executor', cluster);
    framework.holds = ({ task_id, state }) => task_id.value === 'b' && state === 'TASK_RUNNING';
    await framework.launch('a', 'b');
    await framework.hears('a', 'TASK_RUNNING');
    const running = await framework.hears('b', 'TASK_RUNNING');
    await framework.prints('ACKNOWLEDGED a TASK_RUNNING');
    const before = await framework.shown();
    expect(before).toMatchObject({ limits: { memMib: 192 }, tasks: [{ id: 'a' }, { id: 'b' }] });
    expect(running).toMatchObject({
      executor_id: { value: 'small' },
      container_status: { executor_pid: before?.pid },
    });
    expect(await framework.charged()).toBeCloseTo(0.3);
    await framework.say('hello');
    await eventually('it answers', async () => framework.messages.includes('heard hello'));

    const agent = cluster.pid('agent-1');
    killQuietly(agent);
    await eventually('a new agent', async () => cluster.pid('agent-1') !== agent);
    await eventually('the executor is back', async () => {
      const lines = await framework.output();
      return lines.filter((line) => line === 'SUBSCRIBED').length === 2;
    });
    framework.release();
    await framework.prints('ACKNOWLEDGED b TASK_RUNNING');

    expect((await framework.output()).filter((line) => line.startsWith('LAUNCH'))).toEqual([
      'LAUNCH a',
      'LAUNCH b',
    ]);
    expect((await framework.shown())?.pid).toBe(before?.pid);
    await eventually('it is registered', async () => {
      await framework.kill('a');
      return framework.statuses.some(({ state }) => state === 'TASK_KILLED');
    });
    await eventually('it hears', async () => {
      await framework.say('finish b');
      return framework.statuses.some(({ state }) => state === 'TASK_FINISHED');
    });
    expect(await framework.charged()).toBeCloseTo(0.1);
    await framework.shutDown();
    await eventually('it is gone', async () => !isAlive(before?.pid ?? 0));
    await eventually('it is told', async () => framework.failures.length > 0);

    expect(framework.failures).toMatchObject([{ executorId: 'small', status: 0 }]);
    expect(await framework.output()).toContain('SHUTDOWN');
    await eventually('nothing is charged', async () => (await framework.charged()) === 0);
    await framework.scheduler.teardown();
  });

  it('one that crashes fails its tasks; another one is started for the next, and ends with its framework', async () => {
    const framework = new ExecutorFramework('crashing', cluster);
    await framework.launch('a');
    await framework.hears('a', 'TASK_RUNNING');
    const first = await framework.shown();
    await framework.say('crash');

    expect(await framework.hears('a', 'TASK_FAILED')).toMatchObject({
      reason: 'REASON_EXECUTOR_TERMINATED',
      message: 'its executor small exited with code 3',
    });
    await eventually('it is told', async () => framework.failures.length > 0);
    expect(framework.failures).toMatchObject([{ executorId: 'small', status: 3 * 256 }]);
    await framework.launch('b');
    await framework.hears('b', 'TASK_RUNNING');
    const second = await framework.shown();
    expect(second?.pid).not.toBe(first?.pid);
    await framework.scheduler.teardown();

    await eventually('it is gone', async () => !isAlive(second?.pid ?? 0));
  });

  it('an app brings one of its own, which ends with its task; another has a terminal', async () => {
    const { api } = cluster;
    const own = {
      ...{ id: '/own/executor', cpus: 0.1, mem: 64, executor: process.execPath },
      ...{ cmd: `'${PROGRAM}'`, executorResources: { cpus: 0.1, mem: 64, disk: 10 } },
    };
    const terminal = {
      ...{ id: '/own/terminal', cpus: 0.05, mem: 32, tty: true },
      cmd: 'test -t 0 && test -t 1 && tty; read line; echo nobody types',
    };
    expect((await api.send('PUT', '/v2/apps', [own, terminal])).status).toBe(200);
    const [{ id } = { id: '' }] = await api.steady(own.id, 1);
    const [shown = { id: '' }] = await api.steady(terminal.id, 1);
    const stdout = async (task: string): Promise<string> =>
      (await startPacer(api.url, ['logs', task]).ended).out;

    expect(await stdout(id)).toContain(`LAUNCH ${id}`);
    const asks = ['exec', id, '--', 'sh', '-c', 'echo $MESOS_EXECUTOR_ID $MARATHON_APP_ID'];
    expect(await startPacer(api.url, asks).ended).toMatchObject({
      code: 0,
      out: `marathon-${id} /own/executor\n`,
    });
    expect(await chargedTo(cluster, 'pacer')).toBeCloseTo(0.25);
    await eventually('it has a terminal', async () =>
      /^\/dev\/pts\/\d+\r\n$/.test(await stdout(shown.id)),
    );
    const kill = await startPacer(api.url, ['kill', '--force', shown.id]).ended;
    expect(kill).toMatchObject({ code: 0, out: `${shown.id} is killed\n` });
    expect((await api.send('DELETE', '/v2/groups/own?force=true')).status).toBe(200);
    await eventually('its executor is gone', async () => (await chargedTo(cluster, 'pacer')) === 0);
    expect(await stdout(id)).toMatch(/KILL .*\n.*SHUTDOWN\n/s);
  });
});

/** What the master has the framework of a name charged, in cpus. */
async function chargedTo(cluster: Cluster, name: string): Promise<number | undefined> {
  const { text } = await request(`${cluster.masterUrl}/state`);
  const { frameworks } = JSON.parse(text) as MasterStateDocument;
  return frameworks.find((one) => one.name === name)?.used_resources.cpus;
}
