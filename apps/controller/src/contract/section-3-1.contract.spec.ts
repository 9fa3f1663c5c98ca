/** Sections 3.1 to 3.3 of the contract, fact by fact: changes, plans, rolling restarts. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type App, appId, type Container, instanceId } from '#core';
import { type InstanceFacts, nextActions } from '#deployment';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from '../engine/engine-harness.test-support.js';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 60_000 });

const CHANGES = 'libs/deployment/src/app-change.spec.ts';
const PLANS = 'libs/deployment/src/plan-deployment.spec.ts';
const ENGINE = 'apps/controller/src/engine/engine.spec.ts';

let contract: ContractUnderTest | undefined;
afterEach(async () => {
  await contract?.close();
  contract = undefined;
});

/** The API around an engine that runs `/web`, and what a change of it comes to once its deployment has ended. */
async function arrange(fields: object = {}) {
  contract = await startContract();
  const { api, harness, until } = contract;
  const settled = () => until(() => harness.engine.view.deployments().length === 0);
  const ask = async (method: string, url: string, body?: unknown) => {
    const reply = await api.ask(method, url, body);
    return { status: reply.statusCode, body: reply.json() };
  };
  await ask('POST', '/v2/apps', { id: '/web', cmd: 'a', cpus: 0.1, instances: 2, ...fields });
  await settled();
  const appNow = async () => (await ask('GET', '/v2/apps/web')).body.app;
  const tasks = async (): Promise<readonly string[]> =>
    (await appNow()).tasks.map(({ id }: { readonly id: string }) => id).sort();
  return { api, harness, ask, settled, appNow, tasks };
}

describe('3.1 What counts as a change', () => {
  shownBy(
    'upgrade: a difference in what a task is made from',
    CHANGES,
    "'restarts for another %s'",
  );
  shownBy('every field is decided', CHANGES, 'decides every field');
  decidedOtherwise(
    'metadata alone restarts everything',
    'editing labels, checks or strategies replaces every instance',
  );
  shownBy('scale: only instances differs', CHANGES, 'scales when only the count differs');

  it('restart: every instance is replaced, lastConfigChangeAt moves, lastScalingAt does not', async () => {
    const { ask, settled, appNow, tasks } = await arrange();
    const before = await appNow();
    const old = await tasks();

    const { body } = await ask('POST', '/v2/apps/web/restart');
    await settled();

    const after = await appNow();
    expect(after.version).toBe(body.version);
    expect(after.versionInfo).toEqual({
      lastScalingAt: before.versionInfo.lastScalingAt,
      lastConfigChangeAt: body.version,
    });
    expect((await tasks()).filter((id) => old.includes(id))).toEqual([]);
  });

  it('no change: 200 with a deployment that has no steps and ends at once', async () => {
    const { harness, ask, appNow, tasks } = await arrange();
    const before = await appNow();
    const old = await tasks();

    const { status, body } = await ask('PUT', '/v2/apps/web', { cmd: 'a', instances: 2 });

    expect(status).toBe(200);
    expect(body.deploymentId).toMatch(/^[0-9a-f-]{36}$/);
    expect((await ask('GET', '/v2/deployments')).body).toEqual([]);
    const ends = harness.events.filter(({ type }) => type === 'deployment_success');
    expect(JSON.parse(ends.at(-1)?.payload ?? '{}')).toMatchObject({
      id: body.deploymentId,
      plan: { steps: [] },
    });
    expect((await appNow()).version).toBe(before.version);
    expect(await tasks()).toEqual(old);
  });

  it('version info: a change of configuration moves all three', async () => {
    const { ask, appNow, settled } = await arrange();
    const { body } = await ask('PUT', '/v2/apps/web', { cmd: 'b' });
    await settled();

    expect(await appNow()).toMatchObject({
      version: body.version,
      versionInfo: { lastScalingAt: body.version, lastConfigChangeAt: body.version },
    });
  });

  it('version info: scaling moves version and lastScalingAt', async () => {
    const { ask, appNow, settled } = await arrange();
    const { versionInfo } = await appNow();
    const { body } = await ask('PUT', '/v2/apps/web', { instances: 3 });
    await settled();

    expect(await appNow()).toMatchObject({
      version: body.version,
      versionInfo: { ...versionInfo, lastScalingAt: body.version },
    });
  });

  decidedOtherwise(
    'an instance is old when its version differs',
    'an instance is old when its version differs',
  );
});

describe('3.2 Plan', () => {
  shownBy(
    'stop, start, then layers',
    PLANS,
    'stops, then starts, then goes up the layers of dependencies',
  );
  shownBy('dependencies of groups', PLANS, 'follows dependencies of groups and on groups');
  shownBy(
    'scale, restart or nothing',
    PLANS,
    'scales when only the count differs, and restarts only what is asked to',
  );
  shownBy('a target of 0 scales', PLANS, 'scales a changed app whose count is 0');
  shownBy('empty steps are dropped', PLANS, 'has no steps when nothing changed');
  shownBy('pods', 'apps/controller/src/engine/pods.spec.ts', 'its deployment speaks of pods');
  shownBy('cycles are refused', PLANS, 'refuses a cycle by naming it');
  shownBy(
    'dense graphs are planned at once, unlike in Marathon',
    PLANS,
    'plans a dense graph of a thousand apps at once',
  );
  shownBy('a step ends before the next', ENGINE, 'deploys in the order of dependencies');

  it('is what a dry run answers', async () => {
    const { ask } = await arrange();

    const { body } = await ask('PUT', '/v2/groups?dryRun=true', {
      id: '/',
      apps: [
        { id: 'front', cmd: 'x', dependencies: ['/back'] },
        { id: 'back', cmd: 'x' },
      ],
    });

    expect(body.steps).toEqual([
      { actions: [{ action: 'StopApplication', app: '/web' }] },
      {
        actions: [
          { action: 'StartApplication', app: '/back' },
          { action: 'StartApplication', app: '/front' },
        ],
      },
      { actions: [{ action: 'ScaleApplication', app: '/back' }] },
      { actions: [{ action: 'ScaleApplication', app: '/front' }] },
    ]);
  });

  it('a deployment neither times out nor fails by itself', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.put(anApp('/web', { cpus: 5_000 }));

    await harness.clock.advance(900_000);

    expect(harness.engine.view.deployments()).toHaveLength(1);
    harness.crash();
  });

  shownBy(
    'unless it is told to',
    'apps/controller/src/engine/rollouts.spec.ts',
    'fails, says why in numbers, and is rolled back to an equal definition',
  );
});

describe('3.3 Rolling restart (RestartApplication)', () => {
  const [OLD, NEW] = ['2030-01-01T00:00:00.000Z', '2030-02-01T00:00:00.000Z'];
  const now = { epochMs: 100_000, monoMs: 100_000 };

  const target = (
    instances: number,
    minimumHealthCapacity: number,
    maximumOverCapacity: number,
    fields: Partial<App> = {},
  ): App =>
    anApp('/web', {
      instances,
      upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity },
      versionInfo: { lastScalingAt: NEW, lastConfigChangeAt: NEW },
      ...fields,
    });
  const facts = (id: string, fields: Partial<InstanceFacts> = {}): InstanceFacts => ({
    ...{ id: instanceId(id), configVersion: NEW, condition: 'Running', isKilling: false },
    ...{ health: 'healthy', readiness: 'ready', isRouted: false, stagedAtEpochMs: 1 },
    ...fields,
  });
  const old = (count: number, fields: Partial<InstanceFacts> = {}): readonly InstanceFacts[] =>
    Array.from({ length: count }, (_, at) => facts(`o${at}`, { configVersion: OLD, ...fields }));
  const fresh = (count: number, fields: Partial<InstanceFacts> = {}): readonly InstanceFacts[] =>
    Array.from({ length: count }, (_, at) => facts(`n${at}`, fields));
  /** How many it kills and has waiting to be launched at this moment. */
  const look = (app: App, ...instances: readonly (readonly InstanceFacts[])[]) => {
    const actions = nextActions({
      ...{ app, mode: 'restart', instances: instances.flat(), hasRouters: false, now },
    });
    return { kill: actions.kill.length, launch: actions.launch, finished: actions.finished };
  };
  const volumes: Container['volumes'] = [
    { containerPath: 'data', mode: 'RW', persistent: { size: 1 } },
  ];

  it.each([
    // n, minimum, over: killed at once is H - ceil(n * minimum), launched floor(n * (1 + over)) - C.
    [4, 1, 1, 0, 4],
    [4, 0.5, 0, 2, 0],
    [3, 0.5, 0.5, 1, 1],
    [5, 0.75, 0.25, 1, 1],
    [10, 0.85, 0.15, 1, 1],
    [3, 0, 0, 3, 0],
  ])(
    '%i instances, minimum %d, over %d: kills %i and launches %i at first',
    (count, minimum, over, kill, launch) => {
      expect(look(target(count, minimum, over), old(count))).toMatchObject({ kill, launch });
    },
  );

  it('where the two bounds meet, one more may exist', () => {
    expect(look(target(3, 1, 0), old(3))).toMatchObject({ kill: 0, launch: 1 });
    expect(look(target(3, 1, 0), old(3), fresh(1))).toMatchObject({ kill: 1, launch: 0 });
  });

  it('where the two bounds meet, a resident app gives up one, whatever residency says', () => {
    const residency = { relaunchEscalationTimeoutSeconds: 1, taskLostBehavior: 'WAIT_FOREVER' };
    const resident = target(3, 1, 0, { container: { type: 'MESOS', volumes }, residency });

    expect(look(resident, old(3))).toMatchObject({ kill: 1, launch: 0 });
    expect(look(target(3, 1, 0, { residency }), old(3))).toMatchObject({ kill: 0, launch: 1 });
  });

  it('fewer instances than there are: the surplus goes at once', () => {
    expect(look(target(1, 1, 0), old(3))).toMatchObject({ kill: 2 });
  });

  it('unhealthy old ones go first', () => {
    const app = target(4, 0.5, 0);
    const instances = [...old(3), facts('bad', { configVersion: OLD, health: 'unhealthy' })];
    const { kill } = nextActions({ app, mode: 'restart', instances, hasRouters: false, now });

    expect(kill[0]).toBe('bad');
  });

  decidedOtherwise(
    'killSelection is not consulted',
    '`killSelection` is not consulted in a restart',
  );

  it('starts as many as have room beside the old ones', () => {
    expect(look(target(4, 0.5, 0), old(2))).toMatchObject({ launch: 2 });
    expect(look(target(4, 0.5, 0), old(2), fresh(1))).toMatchObject({ launch: 1 });
    expect(look(target(4, 1, 0.5), old(4), fresh(2))).toMatchObject({ launch: 0 });
  });

  it('the back-off is reset at its start', async () => {
    const { harness, ask } = await arrange({ instances: 1, backoffSeconds: 3_000 });
    const [task] = harness.cluster.running();
    harness.cluster.report(task?.info.task_id.value ?? '', 'TASK_FAILED');
    await contract?.until(() => (harness.engine.view.queue()[0]?.delayLeftMs ?? 0) > 0);

    await ask('POST', '/v2/apps/web/restart');

    expect(harness.engine.view.queue()[0]?.delayLeftMs ?? 0).toBe(0);
  });

  it('gate: a new one counts when it runs, is healthy and ready; each lets one old one go', () => {
    const app = target(2, 1, 0.5);
    const uncounted = (fields: Partial<InstanceFacts>) => look(app, old(2), fresh(1, fields)).kill;

    expect(uncounted({ condition: 'Staging', health: 'unknown' })).toBe(0);
    expect(uncounted({ health: 'pending' })).toBe(0);
    expect(uncounted({ health: 'unknown' })).toBe(0);
    expect(uncounted({ readiness: 'not-ready' })).toBe(0);
    expect(look(app, old(2), fresh(1)).kill).toBe(1);
  });

  it('each old one that ends makes room for another launch', () => {
    expect(look(target(3, 0.5, 0), old(2), fresh(1))).toMatchObject({ kill: 1, launch: 0 });
    expect(look(target(3, 0.5, 0), old(1), fresh(1))).toMatchObject({ launch: 1 });
  });

  it('a new one that dies counts no longer and is launched again', () => {
    const app = target(3, 0.5, 0);

    expect(look(app, old(1), fresh(1))).toMatchObject({ launch: 1 });
    expect(look(app, old(1))).toMatchObject({ launch: 2, kill: 0 });
  });

  it('has finished when all new ones count and no old one is left', () => {
    const app = target(2, 1, 0.5);

    expect(look(app, fresh(2)).finished).toBe(true);
    expect(look(app, fresh(1)).finished).toBe(false);
    expect(look(app, fresh(2), old(1)).finished).toBe(false);
    expect(look(app, fresh(2, { readiness: 'not-ready' })).finished).toBe(false);
  });

  shownBy('0 instances need no restart', PLANS, 'scales a changed app whose count is 0');
  shownBy(
    'goes on after a fail-over',
    'apps/controller/src/engine/engine-crash.spec.ts',
    'converges to what was declared after its restart',
  );

  it('a readiness query that fails counts as 504', async () => {
    const readinessChecks = [
      {
        ...{ portName: 'http', intervalSeconds: 2, timeoutSeconds: 1 },
        preserveLastResponse: true,
      },
    ];
    const { harness, ask } = await arrange({ portDefinitions: [{ name: 'http' }] });
    for (let port = 31_000; port <= 32_000; port += 1) {
      harness.prober.answer(`host-1:${port}`, { durationMs: 5_000 });
    }
    const answers = () => harness.engine.view.readinessOf(appId('/web'));

    await ask('PUT', '/v2/apps/web', { cmd: 'b', readinessChecks });
    await contract?.until(() => answers().length > 0);

    expect(answers()[0]).toMatchObject({ ready: false, lastResponse: { status: 504 } });
    const [deployment] = (await ask('GET', '/v2/deployments')).body;
    expect(deployment.currentActions[0].readinessCheckResults[0]).toMatchObject({ ready: false });
  });
});
