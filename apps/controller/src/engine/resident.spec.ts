import { describe, expect, it } from 'vitest';
import { type App, appId, type Instance, resourceKey } from '#core';
import { encodeResources } from '#mesos-v1';
import { EngineHarness } from './engine-harness.test-support.js';
import { recordCalls } from './record-calls.test-support.js';
import { aResident } from './resident-app.test-support.js';

const AGENTS = ['agent-1', 'agent-2', 'agent-3'].map((id, index) => ({
  ...{ id, hostname: `host-${index + 1}`, cpus: 10 },
}));

const LONG_MS = 20_000;
/** Until offers have been asked for once more, for the sake of what was given back. */
const RELEASE_MS = 720_000;
/** Of the life of an app, more than there are. */
const MAX_EFFECTS = 16;

async function aResidentApp(fields: Partial<App> = {}) {
  const harness = new EngineHarness(AGENTS);
  await harness.start();
  await harness.put(aResident(fields));
  await harness.clock.advance(LONG_MS);
  return harness;
}

const instancesOf = ({ engine }: EngineHarness): readonly Instance[] =>
  engine.view.instancesOf(appId('/db')).map(({ instance }) => instance);

const volumesOf = ({ cluster }: EngineHarness): readonly string[] =>
  AGENTS.flatMap(({ id }) => cluster.reservations.volumesOn(id)).sort();

const ofInstances = (harness: EngineHarness): readonly string[] =>
  instancesOf(harness)
    .flatMap(({ reservation }) => reservation?.volumes ?? [])
    .map(({ persistenceId }) => persistenceId)
    .sort();

const runningIds = ({ cluster }: EngineHarness): readonly string[] =>
  cluster.running().map(({ info }) => info.task_id.value);

const reservedCpus = ({ cluster }: EngineHarness): number =>
  AGENTS.reduce((sum, { id }) => sum + cluster.reservations.amountOf(id, 'cpus'), 0);

describe('a resident app', () => {
  it('reserves what it takes, makes its volume and is launched on both, in one call', async () => {
    const harness = new EngineHarness(AGENTS);
    const calls = recordCalls(harness);
    await harness.start();
    await harness.put(aResident());
    await harness.clock.advance(LONG_MS);

    const [accept] = calls.filter((call) => call.type === 'ACCEPT');
    expect(accept?.accept.operations?.map(({ type }) => type)).toEqual([
      'RESERVE',
      'CREATE',
      'LAUNCH',
    ]);
    const [instance] = instancesOf(harness);
    expect(instance).toMatchObject({
      condition: 'Running',
      incarnation: 1,
      reservation: { role: 'db', frameworkId: 'framework-1', isConfirmed: true },
    });
    expect(ofInstances(harness)).toEqual(volumesOf(harness));
    expect(volumesOf(harness)[0]).toMatch(/^db#data#[0-9a-f-]{36}$/);
    const [task] = harness.cluster.running();
    expect(task?.info.resources.every(({ reservation }) => reservation !== undefined)).toBe(true);
    expect(task?.info.resources.find(({ name }) => name === 'cpus')?.reservation?.labels).toEqual({
      labels: [
        { key: 'marathon_framework_id', value: 'framework-1' },
        { key: 'marathon_task_id', value: instance?.id },
      ],
    });
  });

  it('counts against the budget of its deployment when it fails', async () => {
    const harness = new EngineHarness(AGENTS);
    await harness.start();
    await harness.put(aResident({ rollout: { maxFailures: 3 } }));
    for (let step = 0; step < 200 && harness.cluster.tasks.size === 0; step += 1) {
      await harness.clock.advance(5);
    }

    const [task] = harness.cluster.tasks.keys();
    harness.cluster.report(task ?? '', 'TASK_FAILED', { message: 'no' });
    await harness.clock.advance(5);

    const [view] = harness.engine.view.deployments();
    expect(view?.deployment.failures).toBe(1);
  });

  it('is launched again under its id, with the next incarnation, on its volume', async () => {
    const harness = await aResidentApp({ instances: 2 });
    const [before] = instancesOf(harness);
    const volumes = volumesOf(harness);

    harness.cluster.report(before?.taskId ?? '', 'TASK_FAILED', { message: 'killed' });
    await harness.clock.advance(LONG_MS);

    const after = instancesOf(harness).find(({ id }) => id === before?.id);
    expect(after).toMatchObject({
      condition: 'Running',
      incarnation: 2,
      taskId: `${before?.id}._app.2`,
      placement: { agentId: before?.placement?.agentId },
    });
    expect(instancesOf(harness)).toHaveLength(2);
    expect(volumesOf(harness)).toEqual(volumes);
    expect(harness.engine.view.failureOf(appId('/db'))?.taskId).toBe(before?.taskId);
  });

  it('waits for its agent while that is away, whatever others offer, and says so', async () => {
    const harness = await aResidentApp();
    const [before] = instancesOf(harness);
    harness.cluster.away.add(before?.placement?.agentId ?? '');

    harness.cluster.report(before?.taskId ?? '', 'TASK_FAILED');
    await harness.clock.advance(LONG_MS);

    expect(harness.cluster.running()).toEqual([]);
    const [entry] = harness.engine.view.queue();
    const reason = 'NoCorrespondingReservationFound';
    expect(entry?.rejectLastOffers.find((one) => one.reason === reason)?.declined).toBe(2);
    const why = JSON.stringify(harness.engine.view.explain(appId('/db')));
    expect(why).toContain(
      `of 3 agents 3 refuse for ${reason}; nearest: instance ${before?.id} is launched only on its`,
    );
    harness.cluster.away.clear();
    await harness.clock.advance(LONG_MS);
    expect(runningIds(harness)).toEqual([`${before?.id}._app.2`]);
  });

  it('is never replaced while it is unreachable, and goes on when it is back', async () => {
    const harness = await aResidentApp();
    const [before] = instancesOf(harness);

    harness.cluster.report(before?.taskId ?? '', 'TASK_UNREACHABLE');
    await harness.clock.advance(3_600_000);
    expect(harness.cluster.tasks.size).toBe(1);
    harness.cluster.report(before?.taskId ?? '', 'TASK_RUNNING');
    await harness.clock.advance(LONG_MS);

    expect(instancesOf(harness)).toMatchObject([{ condition: 'Running', incarnation: 1 }]);
  });

  it('is wanted again after it was scaled down where nobody saw it, and goes on when it is back', async () => {
    const harness = await aResidentApp({ instances: 2 });
    const volumes = volumesOf(harness);
    const [away] = instancesOf(harness);
    harness.cluster.report(away?.taskId ?? '', 'TASK_UNREACHABLE');
    await harness.put(aResident({ instances: 1 }), { sentenced: away ? [away.id] : [] });
    await harness.clock.advance(LONG_MS);
    expect(instancesOf(harness).find(({ id }) => id === away?.id)?.goal).toBe('Stopped');

    await harness.put(aResident({ instances: 2 }));
    await harness.clock.advance(LONG_MS);
    expect(volumesOf(harness)).toEqual(volumes);
    harness.cluster.report(away?.taskId ?? '', 'TASK_RUNNING');
    await harness.clock.advance(LONG_MS);

    expect(instancesOf(harness)).toMatchObject([
      { condition: 'Running', incarnation: 1 },
      { condition: 'Running', incarnation: 1 },
    ]);
    expect(volumesOf(harness)).toEqual(volumes);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('is only kept when it is scaled down before it has ended for its successor', async () => {
    const harness = await aResidentApp({ instances: 2 });
    const [killed] = instancesOf(harness);
    const task = harness.cluster.tasks.get(killed?.taskId ?? '');
    if (killed === undefined || task === undefined) throw new Error('nothing runs');
    // Nobody hears of it, and KILL gets nowhere.
    task.state = 'TASK_UNREACHABLE';
    await harness.engine.killInstances([killed.id], { wipe: false });

    await harness.put(aResident({ instances: 0 }));
    await harness.clock.advance(LONG_MS);
    harness.cluster.report(killed.taskId, 'TASK_GONE');
    await harness.clock.advance(LONG_MS);

    expect(instancesOf(harness).map(({ goal }) => goal)).toEqual(['Stopped', 'Stopped']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('is upgraded in place: the same instances, the same volumes', async () => {
    const harness = await aResidentApp({ instances: 2 });
    const ids = instancesOf(harness)
      .map(({ id }) => id)
      .sort();
    const volumes = volumesOf(harness);

    await harness.put(aResident({ instances: 2, cmd: 'sleep 200' }));
    await harness.clock.advance(LONG_MS);

    expect(harness.engine.view.deployments()).toEqual([]);
    expect(
      instancesOf(harness)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids);
    expect(harness.cluster.running().map(({ info }) => info.command?.value)).toEqual([
      'sleep 200',
      'sleep 200',
    ]);
    expect(volumesOf(harness)).toEqual(volumes);
  });

  it('keeps what it reserved when it is scaled down, and uses it when it is scaled up', async () => {
    const harness = await aResidentApp({ instances: 2 });
    const volumes = volumesOf(harness);

    await harness.put(aResident({ instances: 0 }));
    await harness.clock.advance(LONG_MS);
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(instancesOf(harness)).toMatchObject([{ goal: 'Stopped' }, { goal: 'Stopped' }]);
    expect(volumesOf(harness)).toEqual(volumes);
    await harness.put(aResident({ instances: 3 }));
    await harness.clock.advance(LONG_MS);

    expect(instancesOf(harness)).toHaveLength(3);
    expect(harness.cluster.running()).toHaveLength(3);
    expect(volumesOf(harness)).toEqual(expect.arrayContaining([...volumes]));
    expect(volumesOf(harness)).toEqual(ofInstances(harness));
  });

  it('is killed for its own successor, also beside one that was stopped before', async () => {
    const harness = await aResidentApp({ instances: 2 });
    await harness.put(aResident({ instances: 1 }));
    await harness.clock.advance(LONG_MS);
    const survivor = instancesOf(harness).find(({ goal }) => goal === 'Running');

    const killed = harness.engine.killInstances(survivor ? [survivor.id] : [], { wipe: false });
    await harness.clock.advance(LONG_MS);
    await killed;

    expect(runningIds(harness)).toEqual([`${survivor?.id}._app.2`]);
  });

  it('loses its volume and all it reserved when it is wiped, and gets new ones', async () => {
    const harness = await aResidentApp();
    const [before] = instancesOf(harness);
    const volumes = volumesOf(harness);

    const wiped = harness.engine.killInstances(before ? [before.id] : [], { wipe: true });
    await harness.clock.advance(LONG_MS);
    await wiped;

    expect(instancesOf(harness).map(({ id }) => id)).not.toContain(before?.id);
    expect(harness.cluster.running()).toHaveLength(1);
    expect(volumesOf(harness)).toEqual(ofInstances(harness));
    expect(volumesOf(harness)).not.toEqual(volumes);
    expect(reservedCpus(harness)).toBeCloseTo(0.1);
  });

  it('leaves nothing reserved when it is removed, what had been stopped included', async () => {
    const harness = await aResidentApp({ instances: 3 });
    await harness.put(aResident({ instances: 1 }));
    await harness.clock.advance(LONG_MS);

    await harness.change({ removeApps: [appId('/db')] });
    await harness.clock.advance(LONG_MS);

    expect(harness.engine.view.deployments()).toEqual([]);
    expect(volumesOf(harness)).toEqual([]);
    expect(reservedCpus(harness)).toBe(0);
    expect(instancesOf(harness)).toEqual([]);
    expect(harness.cluster.calls.at(-1)).toBe('SUPPRESS');
  });

  it('gives back once more what an agent brings back that has not heard, whoever leads then', async () => {
    const harness = new EngineHarness(AGENTS);
    const calls = recordCalls(harness);
    await harness.start();
    await harness.put(aResident());
    await harness.clock.advance(LONG_MS);
    const agentId = harness.cluster.running()[0]?.agentId ?? '';
    const made = calls.flatMap((call) =>
      call.type === 'ACCEPT' ? (call.accept.operations ?? []) : [],
    );
    await harness.change({ removeApps: [appId('/db')] });
    await harness.clock.advance(LONG_MS);
    expect(volumesOf(harness)).toEqual([]);

    harness.crash();
    for (const operation of made) harness.cluster.reservations.apply(agentId, operation);
    expect(volumesOf(harness)).toHaveLength(1);
    await harness.start();
    await harness.clock.advance(RELEASE_MS);

    expect(volumesOf(harness)).toEqual([]);
    expect(reservedCpus(harness)).toBe(0);
    await harness.clock.advance(RELEASE_MS);
    expect((await harness.store.load()).instances).toEqual([]);
  });

  it('is forgotten once its agent is offered without what was given back', async () => {
    const harness = await aResidentApp();
    await harness.change({ removeApps: [appId('/db')] });
    await harness.clock.advance(LONG_MS);
    const kept = (await harness.store.load()).instances;

    await harness.clock.advance(RELEASE_MS);

    expect(kept).toHaveLength(1);
    expect((await harness.store.load()).instances).toEqual([]);
    const calls = harness.cluster.calls.filter((call) => call !== 'RECONCILE');
    expect(calls.at(-1)).toBe('SUPPRESS');
  });

  it('starts anew when it is removed while an instance ends, and declared again', async () => {
    const harness = await aResidentApp();
    const [ending] = instancesOf(harness);
    const task = harness.cluster.tasks.get(ending?.taskId ?? '');
    if (ending === undefined || task === undefined) throw new Error('nothing runs');
    // KILL gets nowhere.
    task.state = 'TASK_UNREACHABLE';
    await harness.engine.killInstances([ending.id], { wipe: false });
    await harness.change({ removeApps: [appId('/db')] });
    await harness.clock.advance(LONG_MS);

    await harness.put(aResident(), { force: true });
    await harness.clock.advance(LONG_MS);
    harness.cluster.report(ending.taskId, 'TASK_KILLED');
    await harness.clock.advance(LONG_MS);

    expect(instancesOf(harness)).toMatchObject([{ condition: 'Running', incarnation: 1 }]);
    expect(instancesOf(harness)[0]?.id).not.toBe(ending.id);
    expect(volumesOf(harness)).toEqual(ofInstances(harness));
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('gives up what it could never be launched on when it is declared anew before it is removed', async () => {
    const harness = await aResidentApp();
    const [before] = instancesOf(harness);
    await Promise.all([
      harness.change({ removeApps: [appId('/db')] }),
      harness.put(aResident({ cpus: 0.3 }), { force: true }),
    ]);
    await harness.clock.advance(LONG_MS);

    expect(instancesOf(harness)).toMatchObject([{ condition: 'Running', incarnation: 1 }]);
    expect(instancesOf(harness)[0]?.id).not.toBe(before?.id);
    expect(volumesOf(harness)).toEqual(ofInstances(harness));
    expect(reservedCpus(harness)).toBeCloseTo(0.3);
  });

  it('tells of a change of its goal alone', async () => {
    const harness = await aResidentApp();
    const [task = ''] = runningIds(harness);
    harness.cluster.report(task, 'TASK_UNREACHABLE');
    await harness.clock.advance(1_000);
    const mark = harness.events.length;

    await harness.put(aResident({ instances: 0 }));
    await harness.clock.advance(1_000);

    expect(instancesOf(harness)).toMatchObject([{ goal: 'Stopped', condition: 'Unreachable' }]);
    const changes = harness.events
      .slice(mark)
      .filter(({ type }) => type === 'instance_changed_event');
    expect(changes.map(({ payload }) => JSON.parse(payload).condition)).toEqual(['Unreachable']);
  });
});

describe('what is reserved for an instance nobody knows', () => {
  const leave = ({ cluster }: EngineHarness, frameworkId: string) => {
    const labels = [
      { key: 'marathon_framework_id', value: frameworkId },
      { key: 'marathon_task_id', value: `gone-of-${frameworkId}` },
    ];
    const reservations = [{ type: 'DYNAMIC' as const, role: 'db', labels }];
    const key = resourceKey('cpus', { reservations, isRevocable: false });
    const resources = encodeResources(
      { scalars: { [key]: 1_000 }, ranges: {} },
      { isRefined: false },
    );
    cluster.reservations.apply('agent-1', { type: 'RESERVE', reserve: { resources } });
  };

  it('is given back, and what another framework reserved is not', async () => {
    const harness = await aResidentApp({ instances: 0 });
    leave(harness, 'framework-1');
    leave(harness, 'framework-2');

    await harness.put(aResident());
    await harness.clock.advance(60_000);

    expect(reservedCpus(harness)).toBeCloseTo(1.1);
  });
});

describe('an engine that dies right before any effect of a resident app', () => {
  it('never loses a volume, never has one twice, and leaves none behind', async () => {
    for (let count = 1; count <= MAX_EFFECTS; count += 1) {
      const harness = new EngineHarness(AGENTS);
      const restart = async () => {
        if (!harness.isRunning) await harness.start();
      };
      const where = `crash at effect ${count}`;
      await harness.start();
      harness.crashAtEffect(count);
      await harness.put(aResident({ instances: 2 })).catch(() => undefined);
      await harness.clock.advance(LONG_MS);
      await restart();
      await harness.put(aResident({ instances: 2 }), { force: true }).catch(() => undefined);
      await harness.clock.advance(LONG_MS);
      await restart();
      await harness.clock.advance(700_000);
      expect(harness.cluster.running(), where).toHaveLength(2);
      const inUse = harness.cluster
        .running()
        .flatMap(({ info }) => info.resources.flatMap(({ disk }) => disk?.persistence?.id ?? []));
      expect(new Set(inUse).size, where).toBe(2);
      expect(volumesOf(harness), where).toEqual([...inUse].sort());

      harness.crashAtEffect(count);
      await harness.change({ removeApps: [appId('/db')] }, { force: true }).catch(() => undefined);
      await harness.clock.advance(LONG_MS);
      await restart();
      await harness.clock.advance(LONG_MS);
      expect([volumesOf(harness), reservedCpus(harness)], where).toEqual([[], 0]);
    }
  });
});
