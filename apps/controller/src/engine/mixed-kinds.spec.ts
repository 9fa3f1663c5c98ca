import { describe, expect, it } from 'vitest';
import { type App, appId, type Pod } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';
import { recordCalls } from './record-calls.test-support.js';
import { aResident } from './resident-app.test-support.js';

const AGENTS = ['agent-1', 'agent-2'].map((id, index) => ({
  ...{ id, hostname: `host-${index + 1}`, cpus: 10 },
}));
const LONG_MS = 20_000;

const POD: Pod = {
  containers: ['web', 'log'].map((name) => ({
    ...{ name, exec: { command: { shell: `run ${name}` } }, labels: {}, environment: {} },
    resources: { cpus: 0.1, mem: 32, disk: 0, gpus: 0 },
    ...{ endpoints: [], volumeMounts: [], artifacts: [] },
  })),
  volumes: [],
};

const aPod = (): App =>
  anApp('/pod', {
    ...{ role: 'db', pod: POD, cpus: 0.3, mem: 96 },
    executorResources: { cpus: 0.1, mem: 32, disk: 10 },
  });

const aDaemon = (fields: Partial<App> = {}): App =>
  anApp('/agent', {
    workload: 'daemon',
    unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 86_400 },
    ...fields,
  });

/** A resident app whose agent went away before it was removed: nobody offers what is reserved for it. */
async function aLeftover() {
  const harness = new EngineHarness(AGENTS);
  await harness.start();
  await harness.put(aResident());
  await harness.clock.advance(LONG_MS);
  const [task] = harness.cluster.running();
  harness.cluster.away.add(task?.agentId ?? '');
  await harness.change({ removeApps: [appId('/db')] });
  await harness.clock.advance(LONG_MS);
  return { harness, agentId: task?.agentId ?? '' };
}

describe('launches of every kind', () => {
  it('share one ACCEPT: what is reserved first, then the tasks, the group last', async () => {
    const harness = new EngineHarness(AGENTS.slice(0, 1));
    const calls = recordCalls(harness);
    await harness.start();

    await harness.change({ putApps: [aResident(), aPod(), aDaemon({ role: 'db' })] });
    await harness.clock.advance(LONG_MS);

    const [accept] = calls.filter((call) => call.type === 'ACCEPT');
    const operations = accept?.accept.operations ?? [];
    expect(operations.map(({ type }) => type)).toEqual([
      'RESERVE',
      'CREATE',
      'LAUNCH',
      'LAUNCH_GROUP',
    ]);
    const names = operations.flatMap((operation) =>
      operation.type === 'LAUNCH' ? operation.launch.task_infos.map(({ name }) => name) : [],
    );
    expect(names).toEqual(['agent', 'db']);
    for (const id of ['/db', '/pod', '/agent']) expect(harness.conditions(id)).toEqual(['Running']);
    expect(harness.fatal).toEqual([]);
  });
});

describe('what is left of a resident app', () => {
  it('counts for nothing where a daemon has its id, and takes no place from it', async () => {
    const { harness, agentId } = await aLeftover();
    const daemon = aDaemon({ id: appId('/db') });
    await harness.put(daemon);
    await harness.clock.advance(LONG_MS);

    expect(harness.engine.view.workloadOf(daemon)).toEqual({ kind: 'daemon', wanted: 1 });
    expect(harness.engine.view.deployments()).toEqual([]);

    harness.cluster.away.delete(agentId);
    harness.cluster.planRound();
    await harness.clock.advance(LONG_MS);

    const agents = harness.cluster.running().map((task) => task.agentId);
    expect(agents.sort()).toEqual(['agent-1', 'agent-2']);
    expect(harness.cluster.reservations.volumesOn(agentId)).toEqual([]);
  });

  it('keeps no progress of a job that had its id', async () => {
    const { harness } = await aLeftover();
    const job = anApp('/db', { workload: 'job', maxRetries: 0 });
    await harness.put(job);
    await harness.clock.advance(LONG_MS);
    const [task] = harness.cluster.running();
    harness.cluster.report(task?.info.task_id.value ?? '', 'TASK_FINISHED');
    await harness.clock.advance(LONG_MS);
    expect(harness.engine.view.workloadOf(job)).toMatchObject({ completed: 1 });

    await harness.change({ removeApps: [appId('/db')] });
    await harness.clock.advance(LONG_MS);

    expect((await harness.store.load()).jobs).toEqual([]);
    expect(harness.engine.view.instancesOf(appId('/db'))).toHaveLength(1);
    expect(harness.engine.view.deployments()).toEqual([]);
  });
});
