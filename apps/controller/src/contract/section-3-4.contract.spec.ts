/** Sections 3.4 to 3.6 of the contract, fact by fact: scaling, conflicts, history. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type App, appId, deploymentId, type HealthCheck } from '#core';
import { MAX_RUNNING_DEPLOYMENTS } from '#deployment';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from '../engine/engine-harness.test-support.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 60_000 });

const SCALING = 'libs/deployment/src/scaling.spec.ts';
const PLANS = 'libs/deployment/src/plan-deployment.spec.ts';
const DEFECTS = 'apps/controller/src/engine/marathon-defects.spec.ts';
const STORE = 'test/support/controller-store.contract.ts';
const WEB = appId('/web');

let harness: EngineHarness;
beforeEach(() => {
  harness = new EngineHarness();
});
afterEach(() => harness.crash());

const web = (fields: Partial<App> = {}): App =>
  anApp('/web', {
    instances: 2,
    portDefinitions: [{ port: 10_000, protocol: 'tcp', name: 'http', labels: {} }],
    ...fields,
  });

async function arrange(...apps: readonly App[]): Promise<EngineHarness> {
  await harness.startWithoutRouters();
  await harness.change({ putApps: apps.length > 0 ? apps : [web()] });
  await harness.clock.advance(3_000);
  return harness;
}

const runningTasks = (): readonly string[] =>
  harness.cluster
    .running()
    .map(({ info }) => info.task_id.value)
    .sort();
const deploymentIds = (): readonly string[] =>
  harness.engine.view.deployments().map(({ deployment }) => deployment.id);
const change = (apps: readonly App[], options: { readonly force?: boolean } = {}) =>
  harness.engine.changeRoot({
    apply: () => ({ putApps: apps, removeApps: [], putGroups: [], removeGroups: [] }),
    force: options.force ?? false,
  });
/** More than there is: its deployment waits. */
const TOO_BIG = { cpus: 5_000 };

describe('3.4 Scaling and kill selection', () => {
  shownBy(
    'candidates: what is inactive counts no more',
    SCALING,
    'counts an unreachable instance until it is inactive',
  );
  shownBy(
    'the surplus goes, sentenced ones first',
    SCALING,
    'prefers the sentenced, then what is not running, then age',
  );
  shownBy('GROUP_BY groups stay even', SCALING, 'keeps GROUP_BY groups even');
  shownBy('the youngest first by default', SCALING, 'gives up the youngest first');

  it('of those killed with scale=true exactly the sentenced go', async () => {
    await arrange(web({ instances: 3 }));
    const [first] = harness.engine.view.instancesOf(WEB);
    const sentenced = first === undefined ? [] : [first.instance.id];

    await harness.put(web({ instances: 2 }), { sentenced });
    await harness.clock.advance(1_000);

    const left = harness.engine.view.instancesOf(WEB).map(({ instance }) => instance.id);
    expect(left).toHaveLength(2);
    expect(left).not.toContain(sentenced[0]);
  });

  decidedOtherwise('health is not considered', 'health is not considered when scaling down');
  shownBy(
    'with a reservation they are kept, goal Stopped',
    'apps/controller/src/engine/resident.spec.ts',
    'keeps what it reserved when it is scaled down, and uses it when it is scaled up',
  );

  it('scaling up waits until the new ones are healthy', async () => {
    const check: HealthCheck = {
      ...{ protocol: 'TCP', portIndex: 0, gracePeriodSeconds: 60, intervalSeconds: 1 },
      ...{ timeoutSeconds: 1, maxConsecutiveFailures: 0, delaySeconds: 0 },
      ...{ ignoreHttp1xx: false, ipProtocol: 'IPv4' },
    };
    await arrange(web({ healthChecks: [check] }));
    expect(deploymentIds()).toEqual([]);
    const inUse = new Set(
      harness.engine.view.instancesOf(WEB).flatMap(({ instance }) => instance.hostPorts),
    );
    const answer = (passed: boolean): void => {
      for (let port = 31_000; port <= 32_000; port += 1) {
        if (!inUse.has(port)) harness.prober.answer(`host-1:${port}`, { passed });
      }
    };
    answer(false);

    await harness.put(web({ instances: 3, healthChecks: [check] }));
    await harness.clock.advance(5_000);
    expect(harness.cluster.running()).toHaveLength(3);
    expect(deploymentIds()).toHaveLength(1);
    answer(true);
    await harness.clock.advance(5_000);

    expect(deploymentIds()).toEqual([]);
  });

  it('what is missing meanwhile is topped up', async () => {
    await arrange();
    await harness.put(web({ instances: 5 }));
    await harness.clock.advance(15);
    const [victim] = runningTasks();

    harness.cluster.report(victim ?? '', 'TASK_KILLED');
    await harness.clock.advance(3_000);

    expect(runningTasks()).toHaveLength(5);
    expect(deploymentIds()).toEqual([]);
  });
});

describe('3.5 Conflicts, force, cancel, rollback', () => {
  it('deployments that touch a common app conflict: all their ids are named', async () => {
    await arrange(web(), anApp('/other'), anApp('/third'));
    const first = await harness.put(web(TOO_BIG));
    const second = await harness.put(anApp('/other', TOO_BIG));

    const outcome = await change([web(), anApp('/other'), anApp('/third', { cmd: 'x' })]);

    expect(outcome).toEqual({ kind: 'locked', deployments: [first, second] });
    expect(harness.engine.view.root().apps.get(appId('/third'))?.cmd).toBe('sleep 100');
  });

  it('with force they are cancelled, and the new one takes their place', async () => {
    await arrange();
    const first = await harness.put(web(TOO_BIG));
    const second = await harness.put(web({ cmd: 'new' }), { force: true });

    expect(deploymentIds()).toEqual([second]);
    expect(await harness.store.loadDeployment(deploymentId(first))).toMatchObject({
      state: 'Cancelled',
    });
    await harness.clock.advance(3_000);
    expect(harness.cluster.running().map(({ info }) => info.command?.value)).toEqual([
      ...['new', 'new'],
    ]);
  });

  it('changes of groups alone never conflict', async () => {
    await arrange();
    await harness.put(web(TOO_BIG));
    const group = { ...{ dependencies: [], enforceRole: false, version: '' }, id: '/team' };

    const outcome = await harness.engine.changeRoot({
      apply: () => ({
        ...{ putApps: [], removeApps: [], removeGroups: [] },
        putGroups: [group as never],
      }),
      force: false,
    });

    expect(outcome).toMatchObject({ kind: 'accepted' });
  });

  it('cancelling kills and restores nothing', async () => {
    await arrange(web({ upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } }));
    const id = await harness.put(
      web({ ...TOO_BIG, upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } }),
    );
    await harness.clock.advance(2_000);
    const mixture = runningTasks();

    const cancelled = harness.engine.cancelDeployment(deploymentId(id), { force: true });
    await harness.clock.advance(2_000);

    expect(await cancelled).toEqual({ kind: 'cancelled' });
    expect(runningTasks()).toEqual(mixture);
    expect(harness.engine.view.root().apps.get(WEB)?.cpus).toBe(TOO_BIG.cpus);
  });

  shownBy(
    'the inverse, against the current tree',
    PLANS,
    'undoes the change and leaves what others did meanwhile',
  );
  shownBy(
    'an added group goes only when it is empty',
    PLANS,
    'keeps an added group that others moved into',
  );
  shownBy(
    'of a removed app too',
    'apps/controller/src/engine/roll-back.spec.ts',
    'brings back the group of an app when others removed it meanwhile',
  );

  it('undoing is a forced deployment: apps that were added go, removed ones are back', async () => {
    await arrange(web(), anApp('/gone'));
    const id = await harness.change({
      putApps: [web(TOO_BIG), anApp('/added')],
      removeApps: [appId('/gone')],
    });
    await harness.clock.advance(2_000);

    const undone = harness.engine.cancelDeployment(deploymentId(id), { force: false });
    await harness.clock.advance(5_000);

    expect(await undone).toMatchObject({ kind: 'accepted' });
    const { apps } = harness.engine.view.root();
    expect([...apps.keys()].sort()).toEqual(['/gone', '/web']);
    expect(apps.get(WEB)?.cpus).toBe(0.1);
    expect(harness.conditions('/gone')).toEqual(['Running']);
    expect(deploymentIds()).toEqual([]);
  });

  it('undoing undoes dependencies of groups', async () => {
    await arrange();
    const group = { id: '/team', dependencies: ['/web'], enforceRole: false, version: '' };
    const id = await harness.change({
      ...{ putApps: [web(TOO_BIG)], putGroups: [group as never] },
    });

    const undone = harness.engine.cancelDeployment(deploymentId(id), { force: false });
    await harness.clock.advance(2_000);
    await undone;

    expect([...harness.engine.view.root().groups.keys()]).not.toContain('/team');
  });

  shownBy('what is stuck is undone all the same', DEFECTS, '4046: a rollback of a stuck upgrade');
  shownBy('ended deployments stay, unlike in Marathon', DEFECTS, '4072: an ended deployment stays');

  it('more than 100 running deployments are refused', () => {
    expect(MAX_RUNNING_DEPLOYMENTS).toBe(100);
  });

  shownBy(
    'with 403',
    'apps/controller/src/marathon-deviations.spec.ts',
    'one deployment too many is told when to come again',
  );
  decidedOtherwise('at most 500 changes wait', '500 changes of the root may wait');
  shownBy(
    'root, apps and plan are stored before anything is done',
    'apps/controller/src/engine/engine-crash.spec.ts',
    'converges to what was declared after its restart',
  );

  it('a leader goes on with every deployment that was running', async () => {
    await arrange(web(), anApp('/other'));
    const ids = [await harness.put(web(TOO_BIG)), await harness.put(anApp('/other', TOO_BIG))];

    harness.crash();
    await harness.startWithoutRouters();

    expect([...deploymentIds()].sort()).toEqual([...ids].sort());
  });

  decidedOtherwise('plans that cannot be read are left out', 'stored plans that cannot be read');
});

describe('3.6 Storage and history', () => {
  it('each version of an app is kept beside the current one', async () => {
    await arrange();
    await harness.put(web({ instances: 1 }));
    await harness.clock.advance(1_000);

    const versions = await harness.store.listAppVersions(WEB);

    expect(versions).toHaveLength(2);
    expect((await harness.store.loadAppVersion(WEB, versions[1] ?? ''))?.instances).toBe(2);
  });

  shownBy(
    '50 versions, and those that are still needed',
    STORE,
    'keeps 50 versions of an app when compacted, and what runs',
  );
  shownBy(
    'a version that a running deployment needs stays',
    STORE,
    'keeps where a running deployment leads from and to, whatever was declared since',
  );
  decidedOtherwise('deleting an app deletes its history', 'deleting an app deletes its history');
});
