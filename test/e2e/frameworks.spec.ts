import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resources } from '#core';
import { createScheduler, type Scheduler } from '#framework';
import { type TaskInfo, type TaskStatus, toWireResources, type WireOffer } from '#mesos-v1';
import { Cluster, isAlive, killQuietly, taskProcesses } from './support/cluster.js';
import { exampleSource, type RunningFramework, startExample } from './support/examples.js';
import { eventually, request } from './support/http.js';

interface Frameworks {
  readonly frameworks: readonly {
    readonly name: string;
    readonly offered_resources?: { readonly cpus: number };
  }[];
}

/** The SDK's examples against a real cluster, beside the controller. */
describe('frameworks on the SDK', () => {
  const cluster = new Cluster({ agents: 2 });
  const state = mkdtempSync(join(tmpdir(), 'pacer-e2e-frameworks-'));
  const running: RunningFramework[] = [];

  beforeAll(() => cluster.start());
  afterEach(async () => {
    for (const framework of running.splice(0)) {
      framework.signal('SIGKILL');
      await framework.ended;
    }
  });
  afterAll(async () => {
    await cluster.destroy();
    rmSync(state, { recursive: true });
  });

  const start = (name: string, ...args: readonly string[]): RunningFramework => {
    const folder = join(state, name);
    const framework = startExample(name, [
      '--master',
      cluster.masterUrl,
      '--state',
      folder,
      ...args,
    ]);
    running.push(framework);
    return framework;
  };
  const prints = (
    framework: RunningFramework,
    pattern: RegExp,
    limitMs?: number,
  ): Promise<unknown> =>
    eventually(`it prints ${pattern}`, async () => pattern.test(framework.output()), limitMs).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${framework.output()}`);
      },
    );
  const killMaster = async (): Promise<void> => {
    const before = cluster.pid('master');
    killQuietly(before);
    await eventually('a new master', async () => cluster.pid('master') !== before);
  };
  const isRegistered = async (name: string): Promise<boolean> => {
    const { text } = await request(`${cluster.masterUrl}/frameworks`);
    return (JSON.parse(text) as Frameworks).frameworks.some((one) => one.name === name);
  };

  it.each(['word-count', 'gang-launcher'])('%s is at most 100 lines of user code', (name) => {
    expect(readFileSync(exampleSource(name), 'utf8').split('\n').length - 1).toBeLessThanOrEqual(
      100,
    );
  });

  it('counts words in 1,000 tasks though master and framework are killed meanwhile', async () => {
    const texts = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'];
    const first = start('word-count', ...texts);
    await prints(first, /100 of 1000 parts/);
    await killMaster();
    await prints(first, /400 of 1000 parts/, 120_000);
    first.signal('SIGKILL');
    await first.ended;

    const second = start('word-count', ...texts);
    await prints(second, /right|WRONG/, 180_000);

    expect(await second.ended).toBe(0);
    expect(second.output()).toMatch(/\d+ words, \d+ different: right/);
    await eventually('it is torn down', async () => !(await isRegistered('word-count')));
  }, 400_000);

  describe('the gang launcher', () => {
    const ranks = (): readonly number[] =>
      taskProcesses(cluster).filter((pid) => environmentOf(pid).has('RANK'));
    const peersOf = (pid: number): string => environmentOf(pid).get('PEERS') ?? '';
    const haveMet = (): Promise<readonly number[]> =>
      eventually('four ranks have met all their peers', async () => {
        const pids = ranks();
        const met = pids.filter((pid) => {
          const sandbox = environmentOf(pid).get('MESOS_SANDBOX') ?? '';
          return readQuietly(join(sandbox, 'stdout')).includes('of 4 has met all its peers');
        });
        return pids.length === 4 && met.length === 4 ? pids : undefined;
      });

    it('starts all ranks, keeps them over kill -9 of the master, and restarts all when one dies', async () => {
      const launcher = start('gang-launcher');
      const before = await haveMet().catch((error: unknown) => {
        throw new Error(`${String(error)}\n${launcher.output()}`);
      });
      expect(new Set(before.map(peersOf)).size).toBe(1);
      expect(peersOf(before[0] ?? 0).split(',')).toHaveLength(4);

      await killMaster();
      await eventually('it is subscribed again', async () =>
        /disconnected[\s\S]*subscribed/.test(launcher.output()),
      );
      expect([...ranks()].sort()).toEqual([...before].sort());
      killQuietly(before[0] ?? 0);

      await eventually('none of them is left', async () =>
        ranks().every((pid) => !before.includes(pid)),
      );
      const after = await haveMet();
      expect(peersOf(after[0] ?? 0)).not.toBe('');

      launcher.signal('SIGKILL');
      await launcher.ended;
      const again = start('gang-launcher');
      await prints(again, /subscribed/);
      expect([...ranks()].sort()).toEqual([...after].sort());
      again.signal('SIGTERM');
      await again.ended;
      await eventually('all ranks are gone', async () => ranks().length === 0);
    }, 300_000);

    it('starts none while there is no room for all', async () => {
      const launcher = start('gang-launcher', '--ranks', '1000');
      await prints(launcher, /starting 1000 ranks/);
      await eventually('it holds offers', async () => {
        const { text } = await request(`${cluster.masterUrl}/frameworks`);
        const { frameworks } = JSON.parse(text) as Frameworks;
        const held = frameworks.find(({ name }) => name === 'gang-launcher')?.offered_resources;
        return (held?.cpus ?? 0) > 0;
      });

      expect(ranks()).toEqual([]);
      launcher.signal('SIGTERM');
      await launcher.ended;
    });
  });

  it('lets two frameworks use one task id on one agent, and one of them use it again', async () => {
    const one = new SameIdFramework('one', cluster);
    const other = new SameIdFramework('other', cluster);
    const processOf = ({ scheduler }: SameIdFramework): Promise<number> =>
      eventually('its one process runs', async () => {
        const pids = taskProcesses(cluster).filter(
          (pid) => environmentOf(pid).get('MESOS_FRAMEWORK_ID') === scheduler.frameworkId,
        );
        return pids.length === 1 ? pids[0] : undefined;
      });
    const outputOf = async ({ scheduler }: SameIdFramework): Promise<string> => {
      const path = `/frameworks/${scheduler.frameworkId}/executors/1/runs/latest/stdout`;
      return (await request(`${cluster.agentUrl}/files/download?path=${path}`)).text;
    };
    for (const framework of [one, other]) await framework.launch('first');
    for (const framework of [one, other]) await framework.hears('TASK_RUNNING');
    const before = await Promise.all([one, other].map(processOf));

    // Both come back with the agent.
    const agent = cluster.pid('agent-1');
    killQuietly(agent);
    await eventually('a new agent', async () => cluster.pid('agent-1') !== agent);
    await eventually('it is there', async () => (await outputOf(one)).includes('one: first'));
    await one.kill();
    await one.hears('TASK_KILLED');
    await eventually('its process is gone', async () => !isAlive(before[0] ?? 0));
    await one.launch('again');
    await one.hears('TASK_RUNNING', 2);
    const after = await processOf(one);

    expect(after).not.toBe(before[0]);
    expect(await processOf(other)).toBe(before[1]);
    expect(one.states).toEqual(['TASK_RUNNING', 'TASK_KILLED', 'TASK_RUNNING']);
    expect(other.states).toEqual(['TASK_RUNNING']);
    expect([await outputOf(one), await outputOf(other)]).toEqual([
      'one: again\n',
      'other: first\n',
    ]);
    const ambiguous = await request(`${cluster.agentUrl}/files/read?path=/tasks/1/stdout`);
    expect(ambiguous.status).toBe(400);
    await Promise.all([one, other].map(({ scheduler }) => scheduler.teardown()));
    await eventually('both are gone', async () => !isAlive(after) && !isAlive(before[1] ?? 0));
  });

  it('are told of check and health beside each other, over a restart of the agent, and find what a task uses', async () => {
    const often = { delay_seconds: 0, interval_seconds: 0.2 };
    const variables = [{ name: 'WHO', value: 'me' }];
    const program = { shell: false, value: '/bin/sh', arguments: ['sh', '-c', 'test $WHO = me'] };
    const framework = new SameIdFramework('checked', cluster, {
      check: {
        ...{ type: 'COMMAND', command: { command: { value: 'exit $(cat answer)' } } },
        ...often,
      },
      health_check: {
        ...{ type: 'COMMAND', command: { ...program, environment: { variables } } },
        ...often,
      },
    });
    const hearsExit = (exit_code: number) =>
      eventually(`it hears of exit code ${exit_code}`, async () => {
        const { healthy, check_status } = framework.last ?? {};
        const wanted = { type: 'COMMAND', command: { exit_code } };
        return healthy === true && JSON.stringify(check_status) === JSON.stringify(wanted);
      });

    await framework.launch('; echo 3 >answer');
    await hearsExit(3);
    const [pid = 0] = taskProcesses(cluster).filter(
      (one) => environmentOf(one).get('MESOS_FRAMEWORK_ID') === framework.scheduler.frameworkId,
    );
    const answer = join(environmentOf(pid).get('MESOS_SANDBOX') ?? '', 'answer');
    writeFileSync(answer, '0');
    await hearsExit(0);
    const agent = cluster.pid('agent-1');
    killQuietly(agent);
    await eventually('a new agent', async () => cluster.pid('agent-1') !== agent);
    writeFileSync(answer, '5');
    await hearsExit(5);

    expect(isAlive(pid)).toBe(true);
    const { text } = await request(`${cluster.agentUrl}/monitor/statistics`);
    const found = (JSON.parse(text) as readonly Record<string, unknown>[]).find(
      ({ framework_id }) => framework_id === framework.scheduler.frameworkId,
    );
    expect(found).toMatchObject({
      executor_id: '1',
      statistics: { cpus_limit: 0.1, mem_limit_bytes: 32 * 2 ** 20 },
    });
    const metrics = (await request(`${cluster.agentUrl}/metrics`)).text;
    expect(metrics).toContain('pacer_agent_task_memory_rss_bytes{');
    await framework.scheduler.teardown();
    await eventually('it is gone', async () => !isAlive(pid));
  });
});

/** A framework that calls its task `1`, and runs it on the first agent. */
class SameIdFramework {
  readonly scheduler: Scheduler;
  /** What it was told, but for what it was told again. */
  readonly states: string[] = [];
  last: TaskStatus | undefined;
  private command: string | undefined;

  constructor(
    private readonly name: string,
    cluster: Cluster,
    private readonly checks: Pick<TaskInfo, 'check' | 'health_check'> = {},
  ) {
    this.scheduler = createScheduler({
      masters: [cluster.masterUrl],
      frameworkInfo: { name, user: userInfo().username, failover_timeout: 60 },
      handlers: {
        onSubscribed: () => undefined,
        onOffers: (offers) => this.consider(offers, new URL(cluster.agentUrl).port),
        onRescind: () => undefined,
        onUpdate: async (status) => {
          const { state } = status;
          this.last = status;
          if (this.states.at(-1) !== state) this.states.push(state);
        },
        onFailure: () => undefined,
        onError: (message) => void this.states.push(message),
        onDisconnected: () => undefined,
      },
    });
    this.scheduler.start();
  }

  async launch(word: string): Promise<void> {
    this.command = `echo ${this.name}: ${word}; exec sleep 100000`;
    await eventually(`${this.name} is launched`, async () => {
      await this.scheduler.call({ type: 'REVIVE' }).catch(() => undefined);
      return this.command === undefined;
    });
  }

  async kill(): Promise<void> {
    await this.scheduler.call({ type: 'KILL', kill: { task_id: { value: '1' } } });
  }

  hears(state: string, times = 1): Promise<unknown> {
    return eventually(`${this.name} hears ${state}`, async () => {
      return this.states.filter((one) => one === state).length >= times;
    });
  }

  private async consider(offers: readonly WireOffer[], port: string): Promise<void> {
    for (const offer of offers) {
      const isThere = String(offer.url?.address.port) === port;
      const { command } = this;
      if (isThere) this.command = undefined;
      const launch = {
        task_infos: [
          {
            name: 'same id',
            task_id: { value: '1' },
            agent_id: offer.agent_id,
            resources: toWireResources(resources({ cpus: 0.1, mem: 32 })),
            command: { value: command ?? '' },
            ...this.checks,
          },
        ],
      };
      const operations =
        isThere && command !== undefined ? [{ type: 'LAUNCH' as const, launch }] : [];
      const accept = { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0.1 } };
      await this.scheduler.call({ type: 'ACCEPT', accept });
    }
  }
}

function environmentOf(pid: number): ReadonlyMap<string, string> {
  const entries = readQuietly(`/proc/${pid}/environ`).split('\0').filter(Boolean);
  return new Map(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** Empty for what is gone. */
function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
