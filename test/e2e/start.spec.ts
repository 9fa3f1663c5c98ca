import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webApp } from './support/apps.js';
import { Cluster, findProcesses, isAlive, taskProcesses } from './support/cluster.js';
import { eventually, request } from './support/http.js';

interface State {
  readonly slaves: readonly {
    readonly hostname: string;
    readonly resources: { readonly cpus: number; readonly ports: string };
  }[];
}

describe('pacer up --agents 3', () => {
  const cluster = new Cluster({ agents: 3 });
  const { api } = cluster;

  beforeAll(() => cluster.start());
  afterAll(() => cluster.destroy());

  it('shows progress, then a table of URLs and the curl line of a first app', () => {
    expect(cluster.output).toContain('ready');
    for (const url of [api.url, cluster.masterUrl, cluster.edgeUrl]) {
      expect(cluster.output).toContain(url);
    }
    expect(cluster.output).toMatch(/curl -X POST \S+\/v2\/apps/);
  });

  it('carries out the curl line it prints', async () => {
    const line = /^\s*(curl -X POST .*)$/m.exec(cluster.output)?.[1] ?? '';

    const printed = spawnSync('sh', ['-c', line], { encoding: 'utf8' });

    expect(printed.stdout, printed.stderr).toContain('"id":"/hello"');
    await eventually('the first app is served', async () => {
      const reply = await request(`${cluster.edgeUrl}/`, { headers: { host: 'hello.localhost' } });
      return reply.status === 200;
    });
  });

  it('splits the resources of the machine, ports without overlap', async () => {
    const { slaves } = JSON.parse((await request(`${cluster.masterUrl}/state`)).text) as State;

    expect(slaves).toHaveLength(3);
    const ranges = slaves
      .map(({ resources }) => /\[(\d+)-(\d+)\]/.exec(resources.ports))
      .map((found) => [Number(found?.[1]), Number(found?.[2])] as const)
      .sort(([left], [right]) => left - right);
    for (const [index, [begin]] of ranges.entries()) {
      expect(begin).toBeGreaterThan(ranges[index - 1]?.[1] ?? 0);
    }
  });

  it('places instances on all agents, and the edge serves them', async () => {
    await api.send('POST', '/v2/apps', {
      ...webApp('/spread', { instances: 3 }),
      constraints: [['hostname', 'UNIQUE']],
    });

    const tasks = await api.steady('/spread', 3);

    expect(new Set(tasks.map((task) => task.host)).size).toBe(3);
    await eventually('all three answer', async () => {
      const answers = new Set<string>();
      for (let count = 0; count < 12; count += 1) {
        const headers = { host: 'spread.localhost' };
        answers.add((await request(`${cluster.edgeUrl}/`, { headers })).text);
      }
      return answers.size === 3;
    });
  });

  it('answers ping, metrics and documentation on every daemon', async () => {
    for (const url of [api.url, cluster.masterUrl, cluster.routerUrl, cluster.agentUrl]) {
      expect((await request(`${url}/ping`)).text).toBe('pong');
      expect((await request(`${url}/metrics`)).text).toContain('process_cpu_seconds_total');
      const documentation = await request(`${url}/docs/json`);
      expect(JSON.parse(documentation.text)).toHaveProperty('openapi');
    }
  });

  it('refuses a second pacer up on the same data, and says who has it', async () => {
    const second = new Cluster({ agents: 3, dataDirectory: cluster.dataDirectory });

    await expect(second.start()).rejects.toThrow(/already supervised by pid \d+/);
  });
});

describe('pacer up with fewer agents than the tasks of the last run have', () => {
  const before = new Cluster({ agents: 3, keepTasks: true });
  const cluster = new Cluster({ agents: 1, dataDirectory: before.dataDirectory });
  const { api } = cluster;
  const countAgents = async (): Promise<number> =>
    (JSON.parse((await request(`${cluster.masterUrl}/state`)).text) as State).slaves.length;

  afterAll(async () => {
    await cluster.destroy();
    await before.destroy();
  });

  it('runs as many agents as before, says so, and ends all tasks when stopped', async () => {
    await before.start();
    const constraints = [['hostname', 'UNIQUE']];
    await api.send('POST', '/v2/apps', { ...webApp('/spread', { instances: 3 }), constraints });
    await api.steady('/spread', 3);
    const tasks = taskProcesses(cluster);
    await before.stop();
    expect(before.output).toMatch(/agent-2: 1 tasks go on/);

    await cluster.start();
    await api.steady('/spread', 3);

    expect(cluster.output).toMatch(/running 3 agents, not 1/);
    expect(await countAgents()).toBe(3);
    expect(taskProcesses(cluster)).toEqual(tasks);
    await cluster.stop();
    expect(taskProcesses(cluster)).toEqual([]);
  });

  it('runs as many as asked for once no task is left', async () => {
    await cluster.start();

    expect(cluster.output).not.toMatch(/running 3 agents/);
    expect(cluster.output).not.toMatch(/agent-2/);
    await cluster.stop();
  });
});

describe('pacer down', () => {
  const cluster = new Cluster({ keepTasks: true });

  afterAll(() => cluster.destroy());

  it('ends tasks that go on without an agent', async () => {
    await cluster.start();
    await cluster.api.send('POST', '/v2/apps', webApp('/kept', { instances: 1 }));
    await cluster.api.steady('/kept', 1);
    await cluster.stop();
    expect(taskProcesses(cluster)).not.toEqual([]);

    const down = cluster.down();

    expect(down).toMatch(/starting it once more to end its tasks/);
    expect(taskProcesses(cluster)).toEqual([]);
    expect(findProcesses(cluster.dataDirectory)).toEqual([]);
  });
});

const ROOT_WITHOUT_PTRACE = [
  'setpriv',
  '--bounding-set',
  '-sys_ptrace',
  '--inh-caps',
  '-sys_ptrace',
];

/** What root is in a container by default; only root can give the right up. */
describe.skipIf(process.getuid?.() !== 0)('pacer up as root without CAP_SYS_PTRACE', () => {
  const cluster = new Cluster({ through: ROOT_WITHOUT_PTRACE });

  afterAll(() => cluster.destroy());

  it('starts its database, adopts it, and stops it', async () => {
    await cluster.start();
    const database = cluster.pid('database');
    await cluster.killSupervisor();

    await cluster.start();
    expect(cluster.pid('database')).toBe(database);
    await cluster.stop();

    expect(isAlive(database)).toBe(false);
    expect(findProcesses(cluster.dataDirectory)).toEqual([]);
  });
});
