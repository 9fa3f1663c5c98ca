import { describe, expect, it } from 'vitest';
import { type App, appId, deploymentId, type RootDelta } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const WEB = appId('/web');
const web = (fields: Partial<App> = {}): App =>
  anApp('/web', { instances: 2, killSelection: 'OLDEST_FIRST', ...fields });

const ask = (harness: EngineHarness, delta: Partial<RootDelta>) =>
  harness.engine.previews.ofChange({
    apply: () => ({ putApps: [], removeApps: [], putGroups: [], removeGroups: [], ...delta }),
    force: false,
  });

async function aRunningApp(agents?: ConstructorParameters<typeof EngineHarness>[0]) {
  const harness = new EngineHarness(agents);
  await harness.start();
  await harness.put(web());
  await harness.clock.advance(1_000);
  await harness.put(web({ instances: 3 }));
  await harness.clock.advance(1_000);
  const oldestFirst = [...harness.engine.view.instancesOf(WEB)]
    .map(({ instance }) => instance)
    .sort(
      (left, right) =>
        (left.stagedAtEpochMs ?? 0) - (right.stagedAtEpochMs ?? 0) || (left.id < right.id ? -1 : 1),
    )
    .map(({ id }) => id);
  return { harness, oldestFirst };
}

describe('a preview', () => {
  it('says which instances would be killed, kept and launched, and is right', async () => {
    const { harness, oldestFirst } = await aRunningApp();

    const { steps, apps } = ask(harness, { putApps: [web({ instances: 1 })] });
    await harness.put(web({ instances: 1 }));
    await harness.clock.advance(1_000);

    expect(steps).toEqual([{ actions: [{ kind: 'ScaleApplication', app: '/web', scaleTo: 1 }] }]);
    expect(apps).toEqual([
      {
        app: '/web',
        change: 'scale',
        fields: ['instances'],
        instancesBefore: 3,
        instancesAfter: 1,
        kills: oldestFirst.slice(0, 2),
        keeps: oldestFirst.slice(2),
        launches: 0,
      },
    ]);
    const left = harness.engine.view.instancesOf(WEB).map(({ instance }) => instance.id);
    expect(left).toEqual(oldestFirst.slice(2));
  });

  it('tells a restart from an edit in place, a new app and a removal', async () => {
    const { harness, oldestFirst } = await aRunningApp();
    const changeOf = (delta: Partial<RootDelta>) => {
      const [app] = ask(harness, delta).apps;
      return [app?.change, app?.fields, app?.kills.length, app?.launches];
    };
    const three = { instances: 3 };

    expect(changeOf({ putApps: [web({ ...three, labels: { a: 'b' } })] })).toEqual([
      'in-place',
      ['labels'],
      0,
      0,
    ]);
    expect(changeOf({ putApps: [web({ ...three, cmd: 'b' })] })).toEqual([
      'restart',
      ['cmd'],
      3,
      3,
    ]);
    expect(changeOf({ putApps: [web(three)] })).toEqual(['none', [], 0, 0]);
    expect(changeOf({ putApps: [anApp('/new')] })).toEqual(['new', [], 0, 1]);
    expect(changeOf({ removeApps: [WEB] })).toEqual(['removed', [], 3, 0]);
    expect(oldestFirst).toHaveLength(3);
  });

  it('places launches on what was offered last, and says what does not fit and why', async () => {
    const { harness } = await aRunningApp([
      { id: 'agent-1', hostname: 'host-1', cpus: 1 },
      { id: 'agent-2', hostname: 'host-2', cpus: 1 },
    ]);

    const [app] = ask(harness, { putApps: [anApp('/big', { cpus: 0.5, instances: 3 })] }).apps;

    const hosts = app?.placement?.placements.map(({ hostname, count }) => [hostname, count]);
    expect(hosts?.sort()).toEqual([
      ['host-1', 1],
      ['host-2', 1],
    ]);
    expect(app?.placement).toMatchObject({
      offers: 2,
      unplaced: 1,
      refusals: [{ reason: 'InsufficientCpus' }, { reason: 'InsufficientCpus' }],
    });
  });

  it('knows no offer before there was one', async () => {
    const harness = new EngineHarness([]);
    await harness.start();

    const [app] = ask(harness, { putApps: [web()] }).apps;

    expect(app?.placement).toMatchObject({ offers: 0, placements: [], unplaced: 2 });
  });

  it('names the deployments in the way, and shows what undoing one would do', async () => {
    const { harness, oldestFirst } = await aRunningApp();
    const id = deploymentId(await harness.put(web({ instances: 3, cpus: 5_000 })));
    await harness.clock.advance(200);

    const { conflicts } = ask(harness, { putApps: [web({ instances: 3, labels: { a: 'b' } })] });
    const undone = await harness.engine.previews.ofCancellation(id, { force: false });
    const stopped = await harness.engine.previews.ofCancellation(id, { force: true });

    expect(conflicts).toEqual([id]);
    expect(undone?.apps).toMatchObject([{ app: '/web', change: 'restart', fields: ['cpus'] }]);
    expect([...(undone?.apps[0]?.keeps ?? [])].sort()).toEqual([...oldestFirst].sort());
    expect(stopped).toEqual({ steps: [], apps: [], conflicts: [] });
    expect(harness.engine.view.deployments().map(({ deployment }) => deployment.id)).toEqual([id]);
  });

  it('shows what killing would do: each is replaced', async () => {
    const { harness, oldestFirst } = await aRunningApp();

    const [app] = harness.engine.previews.ofKill(oldestFirst.slice(0, 1)).apps;

    expect(app).toMatchObject({ change: 'none', kills: oldestFirst.slice(0, 1), launches: 1 });
  });

  it('changes nothing: no revision, event, call, instance or wish', async () => {
    const { harness } = await aRunningApp();
    await harness.clock.advance(5_000);
    const { view } = harness.engine;
    const look = () => ({
      root: view.root(),
      event: view.lastEventId(),
      counter: view.totalChangeCounter(),
      queue: view.queue(),
      calls: harness.cluster.calls.length,
      tasks: [...harness.cluster.tasks.keys()],
      deployments: view.deployments(),
    });
    const before = look();

    ask(harness, { putApps: [web({ cmd: 'other', instances: 9 }), anApp('/new')] });
    ask(harness, { removeApps: [WEB] });
    harness.engine.previews.ofKill(view.instancesOf(WEB).map(({ instance }) => instance.id));
    await harness.clock.advance(500);

    expect(look()).toEqual(before);
  });
});
