import { describe, expect, it } from 'vitest';
import { type App, appId, StoreUnavailableError } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';
import type { FakeAgent } from './fake-offers.test-support.js';

const AGENT = appId('/agent');

const anAgent = (at: number, cpus = 4): FakeAgent => ({
  id: `agent-${at}`,
  hostname: `host-${at}`,
  cpus,
});

const aDaemon = (fields: Partial<App> = {}): App =>
  anApp('/agent', {
    workload: 'daemon',
    unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 86_400 },
    ...fields,
  });

async function aCluster(agents: readonly FakeAgent[] = [1, 2, 3].map((at) => anAgent(at))) {
  const harness = new EngineHarness(agents);
  await harness.start();
  return harness;
}

async function aRunningDaemon(fields: Partial<App> = {}, agents?: readonly FakeAgent[]) {
  const harness = await aCluster(agents);
  await harness.put(aDaemon(fields));
  await harness.clock.advance(8_000);
  return harness;
}

/** Agents with a living task, sorted; each once for every task. */
const agentsOf = (harness: EngineHarness): readonly string[] =>
  [...harness.cluster.tasks.values()]
    .filter(({ state }) => !['TASK_KILLED', 'TASK_FAILED', 'TASK_GONE'].includes(state))
    .map(({ agentId }) => agentId)
    .sort();

const wantedOf = (harness: EngineHarness) => {
  const app = harness.engine.view.root().apps.get(AGENT);
  return app === undefined ? undefined : harness.engine.view.workloadOf(app);
};

const callsOf = (harness: EngineHarness, type: string): number =>
  harness.cluster.calls.filter((call) => call === type).length;

describe('a daemon app', () => {
  it('runs once on every agent that can run it, and its deployment ends', async () => {
    const harness = await aRunningDaemon({ cpus: 2 }, [anAgent(1), anAgent(2, 1), anAgent(3)]);

    expect(agentsOf(harness)).toEqual(['agent-1', 'agent-3']);
    expect(wantedOf(harness)).toEqual({ kind: 'daemon', wanted: 2 });
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(harness.engine.view.queue()).toEqual([]);
  });

  it('is not taken from the last agent in the same transaction in which it ends on another', async () => {
    // A look comes right after the update of a task that is killed, and the database is slower than both.
    const harness = new EngineHarness([anAgent(1), anAgent(2)], { evaluationDelayMs: 50 });
    await harness.start();
    const upgradeStrategy = { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 };
    await harness.put(aDaemon({ upgradeStrategy }));
    await harness.clock.advance(8_000);
    const commit = harness.store.commit.bind(harness.store);
    await harness.put(aDaemon({ upgradeStrategy, cmd: 'sleep 200' }));
    harness.store.commit = async (...given) => {
      await new Promise<void>((resolve) => void harness.clock.schedule(100, resolve));
      await commit(...given);
    };
    while (!harness.conditions('/agent').includes('Killing')) await harness.clock.advance(1);
    const offered = harness.cluster.agents.splice(0);
    const busy = harness.put(anApp('/other'));
    await harness.clock.advance(2_000);
    await busy;

    expect(harness.conditions('/agent')).toEqual(['Running']);
    harness.cluster.agents.push(...offered);
    harness.cluster.planRound();
    await harness.clock.advance(5_000);
    const commands = harness.cluster.running().map(({ info }) => info.command?.value);
    expect(commands.filter((command) => command === 'sleep 200')).toHaveLength(2);
  });

  it('is still owed to an agent whose launch could not be stored', async () => {
    const harness = await aRunningDaemon();
    const commit = harness.store.commit.bind(harness.store);
    let isFailing = true;
    harness.store.commit = async (lease, changes) => {
      const launches = changes.some(
        (change) =>
          change.kind === 'put-instances' &&
          change.instances.some(({ condition }) => condition === 'Provisioned'),
      );
      if (launches && isFailing) {
        isFailing = false;
        throw new StoreUnavailableError('the database is away');
      }
      await commit(lease, changes);
    };
    harness.cluster.report([...harness.cluster.tasks.keys()][0] ?? '', 'TASK_FAILED');
    while (isFailing) await harness.clock.advance(10);
    await harness.clock.advance(50);

    expect(wantedOf(harness)).toEqual({ kind: 'daemon', wanted: 3 });
    await harness.clock.advance(10_000);
    expect(agentsOf(harness)).toEqual(['agent-1', 'agent-2', 'agent-3']);
  });

  it('says which agents cannot run it and why, after its deployment too', async () => {
    const harness = await aRunningDaemon({ cpus: 8 });

    expect(harness.engine.view.deployments()).toEqual([]);
    expect(harness.engine.view.explain(AGENT)).toMatchObject({ wanted: 0, waitingFor: [] });
    expect(harness.engine.view.explain(AGENT)?.notWaitedFor).toEqual([
      expect.stringMatching(/^agents that cannot run it are not waited for: .*InsufficientCpus/),
    ]);
  });

  it('comes to a new agent with its next offer, without any traffic before', async () => {
    const harness = await aRunningDaemon();
    const before = harness.cluster.calls.length;
    await harness.clock.advance(600_000);
    expect(harness.cluster.calls.length - before).toBeLessThan(10);
    expect(harness.cluster.calls.at(-1)).not.toBe('SUPPRESS');

    harness.cluster.agents.push(anAgent(4));
    harness.cluster.planRound();
    await harness.clock.advance(200);

    expect(agentsOf(harness)).toEqual(['agent-1', 'agent-2', 'agent-3', 'agent-4']);
  });

  it('is not started elsewhere or twice when its agent is lost and comes back', async () => {
    const harness = await aRunningDaemon();
    const [lost] = harness.cluster.running();
    const agent = harness.cluster.agents.find(({ id }) => id === lost?.agentId);
    harness.cluster.agents.splice(harness.cluster.agents.indexOf(agent as FakeAgent), 1);
    harness.cluster.report(lost?.info.task_id.value ?? '', 'TASK_UNREACHABLE');
    await harness.clock.advance(60_000);
    expect(harness.cluster.tasks.size).toBe(3);
    expect(wantedOf(harness)).toEqual({ kind: 'daemon', wanted: 2 });

    harness.cluster.agents.push(agent as FakeAgent);
    harness.cluster.planRound();
    await harness.clock.advance(1_000);
    expect(harness.cluster.tasks.size).toBe(3);
    harness.cluster.report(lost?.info.task_id.value ?? '', 'TASK_RUNNING');
    await harness.clock.advance(10_000);

    expect(agentsOf(harness)).toEqual(['agent-1', 'agent-2', 'agent-3']);
    expect(harness.conditions('/agent')).toEqual(['Running', 'Running', 'Running']);
  });

  it('waits on an agent that returns with an outdated task until that one is gone', async () => {
    const harness = await aRunningDaemon();
    const [lost] = harness.cluster.running();
    const [agent] = harness.cluster.agents.splice(0, 1);
    expect(agent?.id).toBe(lost?.agentId);
    harness.cluster.report(lost?.info.task_id.value ?? '', 'TASK_UNREACHABLE');
    await harness.put(aDaemon({ cmd: 'sleep 200' }));
    await harness.clock.advance(10_000);
    expect(harness.engine.view.deployments()).toEqual([]);

    harness.cluster.agents.push(agent as FakeAgent);
    harness.cluster.report(lost?.info.task_id.value ?? '', 'TASK_RUNNING');
    harness.cluster.planRound();
    for (let step = 0; step < 100; step += 1) {
      await harness.clock.advance(5);
      const agents = agentsOf(harness);
      expect(new Set(agents).size).toBe(agents.length);
    }

    const commands = harness.cluster.running().map(({ info }) => info.command?.value);
    expect(commands).toEqual(['sleep 200', 'sleep 200', 'sleep 200']);
  });

  it('comes to an agent whose room was offered before the end of a lost task there was told', async () => {
    const unreachableStrategy = { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 };
    const harness = await aRunningDaemon({ unreachableStrategy });
    const [lost] = harness.cluster.running();
    const id = lost?.info.task_id.value ?? '';
    const [agent] = harness.cluster.agents.splice(0, 1);
    harness.cluster.report(id, 'TASK_UNREACHABLE');
    await harness.clock.advance(10_000);

    harness.cluster.agents.push(agent as FakeAgent);
    harness.cluster.report(id, 'TASK_RUNNING');
    // It ends, which frees its room, and its updates come late.
    if (lost !== undefined) lost.state = 'TASK_KILLED';
    harness.cluster.planRound();
    await harness.clock.advance(10_000);
    expect(harness.cluster.running()).toHaveLength(2);
    harness.cluster.tell(id, { state: 'TASK_KILLED' });
    await harness.clock.advance(10_000);

    expect(agentsOf(harness)).toEqual(['agent-1', 'agent-2', 'agent-3']);
  });

  it('comes to an agent that was offered for another role alone since its task has ended', async () => {
    const harness = await aRunningDaemon();
    const [victim] = harness.cluster.running();
    const [agent] = harness.cluster.agents.splice(0, 1);
    harness.crash();
    await harness.start();
    // It ends, and its room is refused before that is told.
    if (victim !== undefined) victim.state = 'TASK_KILLED';
    harness.cluster.agents.push(agent as FakeAgent);
    harness.cluster.planRound();
    await harness.clock.advance(10_000);
    harness.cluster.tell(victim?.info.task_id.value ?? '', { state: 'TASK_KILLED' });

    harness.cluster.roles = ['*', 'dev'];
    harness.cluster.planRound();
    await harness.clock.advance(10_000);

    expect(agentsOf(harness)).toEqual(['agent-1', 'agent-2', 'agent-3']);
  });

  it('is upgraded in place, one agent at a time where all must serve, over a fail-over too', async () => {
    const harness = await aRunningDaemon();

    await harness.put(
      aDaemon({
        cmd: 'sleep 200',
        upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
      }),
    );
    let lowest = 3;
    for (let step = 0; step < 1_500; step += 1) {
      await harness.clock.advance(10);
      lowest = Math.min(lowest, harness.cluster.running().length);
      const agents = agentsOf(harness);
      expect(new Set(agents).size).toBe(agents.length);
      if (harness.cluster.running().length === 2 && step < 1_000) {
        harness.crash();
        await harness.start();
        step = 1_000;
      }
    }

    expect(lowest).toBe(2);
    const commands = harness.cluster.running().map(({ info }) => info.command?.value);
    expect(commands).toEqual(['sleep 200', 'sleep 200', 'sleep 200']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('delays an agent on which it fails, and no other', async () => {
    const harness = await aRunningDaemon({ backoffSeconds: 60 });
    const [victim] = harness.cluster.running();

    harness.cluster.report(victim?.info.task_id.value ?? '', 'TASK_FAILED', { message: 'oom' });
    harness.cluster.agents.push(anAgent(4));
    await harness.clock.advance(2_000);
    expect(harness.cluster.running()).toHaveLength(3);
    expect(agentsOf(harness)).toContain('agent-4');
    expect(wantedOf(harness)).toEqual({ kind: 'daemon', wanted: 4 });
    const [waiting] = harness.engine.view.queue();
    expect(waiting).toMatchObject({ appId: AGENT, count: 1 });
    expect(waiting?.delayLeftMs).toBeGreaterThan(50_000);
    await harness.clock.advance(60_000);

    expect(agentsOf(harness)).toEqual(['agent-1', 'agent-2', 'agent-3', 'agent-4']);
  });

  it('takes its place before services, and leaves their offers to be asked for', async () => {
    const harness = await aCluster([anAgent(1, 1)]);

    await harness.put(anApp('/web', { cpus: 0.6, instances: 2 }));
    await harness.put(aDaemon({ cpus: 0.4 }));
    await harness.clock.advance(20_000);

    expect(harness.conditions('/agent')).toEqual(['Running']);
    expect(harness.conditions('/web')).toEqual(['Running']);
    expect(callsOf(harness, 'SUPPRESS')).toBeLessThanOrEqual(2);
  });

  it('takes the place of the service it was, whose instances shared agents', async () => {
    const harness = await aCluster([anAgent(1), anAgent(2)]);
    await harness.put(anApp('/agent', { instances: 4 }));
    await harness.clock.advance(1_000);
    expect(harness.cluster.running()).toHaveLength(4);

    await harness.put(aDaemon());
    await harness.clock.advance(60_000);

    expect(agentsOf(harness)).toEqual(['agent-1', 'agent-2']);
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(wantedOf(harness)).toEqual({ kind: 'daemon', wanted: 2 });
  });

  it('goes when it is deleted, and offers are no longer asked for', async () => {
    const harness = await aRunningDaemon();

    await harness.change({ removeApps: [AGENT] });
    await harness.clock.advance(5_000);

    expect(harness.cluster.running()).toEqual([]);
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(harness.cluster.calls.at(-1)).toBe('SUPPRESS');
  });
});

describe('a service app', () => {
  it('is spread evenly over the agents, and gives up from the one with most', async () => {
    const harness = await aCluster();
    const countsOf = () =>
      harness.cluster.agents.map(
        ({ id }) => harness.cluster.running().filter(({ agentId }) => agentId === id).length,
      );
    await harness.put(anApp('/web', { instances: 4 }));
    await harness.clock.advance(1_000);
    await harness.put(anApp('/web', { instances: 9 }));
    await harness.clock.advance(1_000);
    expect(countsOf()).toEqual([3, 3, 3]);

    await harness.put(anApp('/web', { instances: 3 }));
    await harness.clock.advance(1_000);

    expect(countsOf()).toEqual([1, 1, 1]);
  });
});
