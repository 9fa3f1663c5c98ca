import { describe, expect, it } from 'vitest';
import { type App, appId, type Instance } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';
import { RESIDENT_FIELDS } from './resident-app.test-support.js';

const AGENTS = [
  { id: 'agent-1', hostname: 'host-1', cpus: 8 },
  { id: 'agent-2', hostname: 'host-2', cpus: 8 },
];
const WEB = anApp('/shop/web', {
  instances: 2,
  portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
  labels: { HAPROXY_GROUP: 'external', PACER_DRAIN_SECONDS: '20' },
});

/** Two instances that serve, and a router that counts. */
async function serving(fields: Partial<App> = {}): Promise<EngineHarness> {
  const harness = new EngineHarness(AGENTS);
  await harness.start();
  await harness.put({ ...WEB, ...fields });
  await beat(harness, 20);
  return harness;
}

/** Seconds pass while the router says which tasks it has drained. */
async function beat(harness: EngineHarness, seconds: number, drained: readonly string[] = []) {
  for (let second = 0; second < seconds; second += 1) {
    harness.engine.reportRouter('router-1', { appliedSequence: 0, drainedTasks: drained });
    await harness.clock.advance(1_000);
  }
}

const instances = ({ engine }: EngineHarness): readonly Instance[] =>
  engine.view.instancesOf(appId('/shop/web')).map(({ instance }) => instance);
const draining = (harness: EngineHarness): readonly Instance[] =>
  instances(harness).filter((one) => one.draining !== undefined);
const remove = (harness: EngineHarness, force = false) =>
  harness.change({ removeApps: [WEB.id] }, { force });

describe('a deleted app', () => {
  it('is drained before its tasks are killed, and shown as leaving meanwhile', async () => {
    const harness = await serving();

    await remove(harness);
    await beat(harness, 2);

    expect(draining(harness)).toHaveLength(2);
    expect(harness.cluster.running()).toHaveLength(2);
    expect(harness.engine.view.root().apps.has(WEB.id)).toBe(false);
    expect(harness.engine.view.leavingApps().map(({ id }) => id)).toEqual(['/shop/web']);
    expect(harness.engine.view.leavingApp(WEB.id)?.labels).toEqual(WEB.labels);

    await beat(
      harness,
      2,
      draining(harness).map(({ taskId }) => taskId),
    );
    expect(harness.cluster.running()).toHaveLength(0);
    expect(harness.engine.view.leavingApps()).toEqual([]);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('has its drain time and not a second more', async () => {
    const harness = await serving();

    await remove(harness);
    await beat(harness, 19);
    expect(harness.cluster.running()).toHaveLength(2);
    await beat(harness, 2);

    expect(harness.cluster.running()).toHaveLength(0);
  });

  it('is drained although another deployment had it, and although its own is stopped', async () => {
    const harness = await serving();
    await harness.put({ ...WEB, cmd: 'sleep 200', version: '2031-01-01T00:00:00.000Z' });
    await harness.clock.advance(20);

    const deployment = await remove(harness, true);
    await harness.engine.cancelDeployment(deployment as never, { force: true });
    await beat(harness, 2);

    expect(harness.engine.view.deployments()).toEqual([]);
    expect(draining(harness).length).toBeGreaterThanOrEqual(2);
    expect(harness.cluster.running().length).toBeGreaterThanOrEqual(2);
    await beat(harness, 20);
    expect(instances(harness)).toEqual([]);
    expect(harness.engine.view.leavingApps()).toEqual([]);
  });

  it('goes on being drained under another controller, by what it said last', async () => {
    const harness = await serving();
    await harness.put({ ...WEB, labels: { ...WEB.labels, PACER_DRAIN_SECONDS: '60' } });
    await remove(harness);
    await beat(harness, 2);

    harness.crash();
    await harness.start();
    await beat(harness, 30);
    expect(harness.cluster.running()).toHaveLength(2);
    expect(harness.engine.view.leavingApp(WEB.id)?.labels['PACER_DRAIN_SECONDS']).toBe('60');
    await beat(harness, 30);

    expect(harness.cluster.running()).toHaveLength(0);
  });

  it('a kill of one of its tasks drains it too', async () => {
    const harness = await serving();
    const deployment = await remove(harness);
    await harness.engine.cancelDeployment(deployment as never, { force: true });

    await harness.engine.killInstances(
      instances(harness).map(({ id }) => id),
      { wipe: true },
    );
    await beat(harness, 2);

    expect(draining(harness)).toHaveLength(2);
    expect(harness.cluster.running()).toHaveLength(2);
  });
});

describe('an agent that is taken out of service', () => {
  const agentOf = (task: Instance | undefined): string => task?.placement?.agentId ?? '';
  const left = (harness: EngineHarness, agent: string) =>
    instances(harness).filter((one) => agentOf(one) === agent);

  it('is left in time: the replacement serves, then what is there is drained, then it ends', async () => {
    const harness = await serving();
    const agent = agentOf(instances(harness)[0]);
    const there = left(harness, agent);

    harness.cluster.away.add(agent);
    harness.cluster.askFor(agent, 120_000);
    await beat(harness, 3);

    expect(harness.cluster.calls).toContain('ACCEPT_INVERSE_OFFERS');
    expect(draining(harness).map(({ id }) => id)).toEqual(there.map(({ id }) => id));
    expect(harness.cluster.running()).toHaveLength(3);
    await beat(
      harness,
      3,
      there.map(({ taskId }) => taskId),
    );
    expect(left(harness, agent)).toEqual([]);
    expect(instances(harness)).toHaveLength(2);
  });

  it('far ahead changes nothing yet, and is forgotten when nobody speaks of it any more', async () => {
    const harness = await serving();
    const agent = agentOf(instances(harness)[0]);

    harness.cluster.away.add(agent);
    harness.cluster.askFor(agent, 500_000);
    await beat(harness, 250);

    expect(draining(harness)).toEqual([]);
    expect(harness.cluster.running()).toHaveLength(2);
  });

  it('is not left when the master takes its question back', async () => {
    const harness = await serving();
    const agent = agentOf(instances(harness)[0]);

    harness.cluster.askFor(agent, 310_000);
    await beat(harness, 5);
    harness.cluster.takeBack(agent);
    await beat(harness, 60);

    expect(draining(harness)).toEqual([]);
    expect(left(harness, agent)).not.toEqual([]);
  });

  it('is left although it had to be asked for long before', async () => {
    const harness = await serving();
    const agent = agentOf(instances(harness)[0]);

    harness.cluster.away.add(agent);
    harness.cluster.askFor(agent, 310_000);
    await beat(harness, 5);
    expect(draining(harness)).toEqual([]);
    await beat(harness, 30);

    expect(left(harness, agent).filter((one) => one.draining === undefined)).toEqual([]);
  });

  it('keeps what has a volume there until it has to be drained, and launches it no more before it is back', async () => {
    const harness = new EngineHarness([AGENTS[0] as (typeof AGENTS)[0]]);
    await harness.start();
    await harness.put({ ...WEB, ...RESIDENT_FIELDS, id: WEB.id, instances: 1 });
    await beat(harness, 20);
    expect(harness.cluster.running()).toHaveLength(1);
    const accepts = () => harness.cluster.calls.filter((type) => type === 'ACCEPT').length;
    const before = accepts();

    harness.cluster.schedule('agent-1', 60_000);
    for (let round = 0; round < 8; round += 1) {
      harness.cluster.askFor('agent-1', 60_000 - round * 15_000);
      await beat(harness, 15);
    }

    expect(harness.conditions('/shop/web')).toEqual(['Scheduled']);
    expect(accepts()).toBe(before);
  });

  it('comes back for what had to leave it, while another instance is killed with scale', async () => {
    const app = { ...WEB, ...RESIDENT_FIELDS, id: WEB.id, instances: 2 };
    const harness = await serving({ ...app, constraints: [['hostname', 'UNIQUE']] });
    const [stays, sentenced] = instances(harness);
    if (stays === undefined || sentenced === undefined) throw new Error('two are to run');

    harness.cluster.away.add(agentOf(stays));
    harness.cluster.askFor(agentOf(stays), 20_000);
    await beat(harness, 1);
    await harness.put(
      {
        ...{ ...app, constraints: [['hostname', 'UNIQUE']], instances: 1 },
        version: '2031-01-01T00:00:00.000Z',
      },
      { sentenced: [sentenced.id] },
    );
    await beat(harness, 2, [stays.taskId]);
    await beat(harness, 25, [stays.taskId, sentenced.taskId]);

    const goals = instances(harness).map(({ id, goal }) => [id, goal]);
    expect(goals).toContainEqual([stays.id, 'Running']);
    expect(goals).not.toContainEqual([sentenced.id, 'Running']);
  });

  it('cuts the drain time when less is left, with or without room for a replacement', async () => {
    const harness = await serving({
      instances: 16,
      cpus: 1,
      labels: { ...WEB.labels, PACER_DRAIN_SECONDS: '600' },
    });
    expect(harness.cluster.running()).toHaveLength(16);

    harness.cluster.away.add('agent-1');
    harness.cluster.askFor('agent-1', 30_000);
    await beat(harness, 10);
    expect(draining(harness)).toHaveLength(8);
    expect(harness.cluster.running()).toHaveLength(16);
    await beat(harness, 20);

    expect(left(harness, 'agent-1')).toEqual([]);
  });
});

describe('an app without a label of the edge', () => {
  const PLAIN = { labels: {} };

  it('is drained as well, for a router of the group * serves its service port', async () => {
    const harness = await serving(PLAIN);

    await remove(harness);
    await beat(harness, 2);
    expect(draining(harness)).toHaveLength(2);
    expect(harness.cluster.running()).toHaveLength(2);
    await beat(
      harness,
      1,
      draining(harness).map(({ taskId }) => taskId),
    );

    expect(harness.cluster.running()).toHaveLength(0);
  });

  it('has nothing to wait for where the routers say that they never had it', async () => {
    const harness = await serving(PLAIN);

    await remove(harness);
    await harness.clock.advance(100);
    expect(harness.cluster.running()).toHaveLength(2);
    harness.engine.reportRouter('router-1', {
      appliedSequence: harness.engine.view.lastEventId(),
      drainedTasks: [],
      busyTasks: [],
    });
    await harness.clock.advance(100);

    expect(harness.cluster.running()).toHaveLength(0);
  });

  it('is killed at once where it asks for that, or has nothing a router could serve', async () => {
    for (const fields of [
      { labels: { PACER_DRAIN_SECONDS: '0' } },
      { ...PLAIN, portDefinitions: [{ port: 10_000, protocol: 'udp', labels: {} }] },
      { ...PLAIN, portDefinitions: [] },
    ]) {
      const harness = await serving(fields);

      await remove(harness);
      await harness.clock.advance(200);

      expect(harness.cluster.running()).toHaveLength(0);
    }
  });
});
