import { describe, expect, it } from 'vitest';
import { type App, appId, deploymentId } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const DB = anApp('/db');
/** No agent has so much. */
const HUGE = { cpus: 5_000 };
const web = (fields: Partial<App> = {}): App => anApp('/web', { dependencies: ['/db'], ...fields });

async function anEngine(...apps: readonly App[]): Promise<EngineHarness> {
  const harness = new EngineHarness();
  await harness.start();
  if (apps.length > 0) await harness.change({ putApps: apps });
  await harness.clock.advance(5_000);
  return harness;
}

const waitingFor = ({ engine }: EngineHarness, id: string): string =>
  engine.view
    .deployments()
    .filter(({ deployment }) => deployment.id === id)
    .flatMap((view) => view.waitingFor)
    .join('\n');
const commands = ({ cluster }: EngineHarness): readonly (string | undefined)[] =>
  cluster
    .running()
    .map(({ info }) => info.command?.value)
    .sort();
const fail = ({ engine, cluster }: EngineHarness, id: string): void => {
  for (const { instance } of engine.view.instancesOf(appId(id))) {
    cluster.report(instance.taskId, 'TASK_FAILED');
  }
};
/** An app none of whose instances runs, and that no deployment works on. */
async function withDownDb(): Promise<EngineHarness> {
  const harness = await anEngine({ ...DB, backoffSeconds: 600, maxLaunchDelaySeconds: 3_600 });
  fail(harness, '/db');
  await harness.clock.advance(1_000);
  expect(commands(harness)).toEqual([]);
  return harness;
}

describe('an app deployed alone', () => {
  it('waits while none of what it depends on serves, and everybody is told', async () => {
    const harness = await withDownDb();

    const id = await harness.put(web({ instances: 2 }));
    await harness.clock.advance(1_000);

    expect(harness.conditions('/web')).toEqual([]);
    const why = 'it depends on /db: its instance does not serve';
    expect(waitingFor(harness, id)).toBe(`/web: waits for its turn: ${why}`);
    const { view } = harness.engine;
    expect(view.explain(appId('/web'))?.waitingFor.join()).toContain(why);
    const queued = view.queue().find(({ appId: queuedId }) => queuedId === '/web');
    expect(queued).toMatchObject({ count: 2, heldBy: `waits for its turn: ${why}` });
    expect(harness.engine.resetDelay(appId('/web'))).toBe(true);

    harness.engine.resetDelay(appId('/db'));
    await harness.clock.advance(1_000);
    expect(harness.conditions('/web')).toEqual(['Running', 'Running']);
    expect(view.deployments()).toEqual([]);
  });

  it('waits through what it depends on for what that depends on', async () => {
    const harness = await withDownDb();
    await harness.put(anApp('/api'));
    await harness.clock.advance(1_000);
    await harness.put(anApp('/api', { dependencies: ['/db'] }));

    const id = await harness.put(web({ dependencies: ['/api'] }));
    await harness.clock.advance(1_000);

    expect(waitingFor(harness, id)).toContain('it depends on /db');
  });

  it('waits for the deployment that renews what it depends on, unless it is forced', async () => {
    const harness = await anEngine(DB, web());
    const renewal = await harness.put({ ...DB, ...HUGE });
    const id = await harness.put(web({ cmd: 'new' }));
    await harness.clock.advance(1_000);

    expect(waitingFor(harness, id)).toContain(`deployment ${renewal} is not done with it yet`);
    expect(commands(harness)).toEqual(['sleep 100', 'sleep 100']);

    await harness.put(web({ cmd: 'newer' }), { force: true });
    await harness.clock.advance(1_000);
    expect(commands(harness)).toEqual(['newer', 'sleep 100']);
  });

  it('does not wait for what is scaled to 0, not declared or no longer a dependency', async () => {
    const harness = await anEngine({ ...DB, instances: 0 });
    await harness.put(web());
    await harness.put(anApp('/other', { dependencies: ['/nowhere'] }));
    await harness.clock.advance(1_000);

    expect(harness.conditions('/web')).toEqual(['Running']);
    expect(harness.conditions('/other')).toEqual(['Running']);
  });

  it('goes on when what it waits for is deleted', async () => {
    const harness = await withDownDb();
    await harness.put(web());
    await harness.clock.advance(1_000);

    await harness.change({ removeApps: [DB.id] });
    await harness.clock.advance(1_000);

    expect(harness.conditions('/web')).toEqual(['Running']);
  });

  it('fails at its deadline, and is rolled back without waiting again', async () => {
    const harness = await anEngine(DB, web());
    const renewal = await harness.put({ ...DB, ...HUGE });

    const id = await harness.put(web({ cmd: 'new' }), { limits: { deadlineSeconds: 5 } });
    await harness.clock.advance(10_000);

    expect(await harness.store.loadDeployment(deploymentId(id))).toMatchObject({ state: 'Failed' });
    const left = harness.engine.view.deployments().map(({ deployment }) => deployment.id);
    expect(left).toEqual([renewal]);
    expect(commands(harness)).toEqual(['sleep 100', 'sleep 100']);
  });

  it('goes on once it has begun, whatever becomes of what it depends on, over a fail-over too', async () => {
    const upgradeStrategy = { minimumHealthCapacity: 1, maximumOverCapacity: 0 };
    const old = web({ instances: 3, upgradeStrategy, backoffSeconds: 1 });
    const harness = await anEngine({ ...DB, backoffSeconds: 600 }, old);
    await harness.put({ ...old, cmd: 'new' });
    await harness.clock.advance(30);

    fail(harness, '/db');
    harness.crash();
    await harness.start();
    await harness.clock.advance(5_000);

    expect(commands(harness)).toEqual(['new', 'new', 'new']);
  });
});

describe('apps deployed together', () => {
  it('wait for what they depend on, and not for the layer it is in', async () => {
    const harness = await anEngine(
      anApp('/stuck', HUGE),
      anApp('/on-stuck', { dependencies: ['/stuck'] }),
      DB,
      web(),
      anApp('/top', { dependencies: ['/web'] }),
    );

    expect(harness.conditions('/top')).toEqual(['Running']);
    expect(harness.conditions('/on-stuck')).toEqual([]);
    const [view] = harness.engine.view.deployments();
    expect(view?.deployment).toMatchObject({
      currentStep: 1,
      underWay: expect.arrayContaining(['/top']),
    });
    expect(view?.deployment.phases?.map(({ step }) => step)).toEqual([0, 1, 2, 3]);

    await harness.put(anApp('/stuck'), { force: true });
    await harness.put(anApp('/on-stuck', { dependencies: ['/stuck'] }));
    await harness.clock.advance(2_000);
    expect(harness.conditions('/on-stuck')).toEqual(['Running']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it.each([
    ['stopped', { removeApps: [appId('/db'), appId('/web')] }, 0],
    ['scaled down', { putApps: [anApp('/db', { instances: 1 }), web({ instances: 1 })] }, 1],
  ])('are %s in reverse order', async (_what, change, left) => {
    const harness = await anEngine(anApp('/db', { instances: 3 }), web({ instances: 3 }));

    await harness.change(change);
    const counts = () =>
      ['/web', '/db'].map((id) => harness.conditions(id).filter((one) => one === 'Running').length);
    const seen: (readonly number[])[] = [];
    for (let ms = 0; ms < 2_000; ms += 5) {
      await harness.clock.advance(5);
      seen.push(counts());
    }

    expect(counts()).toEqual([left, left]);
    expect(harness.engine.view.deployments()).toEqual([]);
    for (const [ofWeb = 0, ofDb = 0] of seen) {
      if (ofWeb > left) expect(ofDb).toBe(3);
    }
  });

  it('do not wait for an app that is deleted by the same change', async () => {
    const harness = await anEngine(DB, web());

    await harness.change({
      putApps: [web({ cmd: 'alone', dependencies: [] })],
      removeApps: [DB.id],
    });
    await harness.clock.advance(2_000);

    expect(commands(harness)).toEqual(['alone']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('begin nothing more while their deployment is paused', async () => {
    const harness = await anEngine();
    const id = await harness.change({ putApps: [DB, web()] });
    await harness.clock.advance(10);
    await harness.engine.steerDeployment(deploymentId(id), { kind: 'pause' });
    await harness.clock.advance(2_000);
    expect(harness.conditions('/web')).toEqual([]);

    await harness.engine.steerDeployment(deploymentId(id), { kind: 'resume' });
    await harness.clock.advance(2_000);
    expect(commands(harness)).toEqual(['sleep 100', 'sleep 100']);
  });
});

it('foretells in a dry run what would have to wait', async () => {
  const harness = await withDownDb();

  const preview = harness.engine.previews.ofChange({
    apply: () => ({ putApps: [web()], removeApps: [], putGroups: [], removeGroups: [] }),
    force: false,
  });

  expect(preview.holds).toEqual([
    '/web would wait: it depends on /db: its instance does not serve',
  ]);
  expect(harness.engine.view.root().apps.has(appId('/web'))).toBe(false);
});
