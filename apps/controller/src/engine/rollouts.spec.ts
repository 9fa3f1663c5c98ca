import { describe, expect, it } from 'vitest';
import { type App, appId, type Deployment, deploymentId } from '#core';
import { aHealthCheck, anApp } from '../../../../test/support/store-fixtures.js';
import type { DeploymentCommand } from './controller-engine.port.js';
import { EngineHarness } from './engine-harness.test-support.js';

const OLD = 'sleep 100';
const NEW = 'sleep 200';
/** More than any agent has: a deployment with it goes on until it is stopped. */
const TOO_MUCH = { cpus: 5_000 };

/** An app that runs its old command. */
async function aRunning(fields: Partial<App>): Promise<EngineHarness> {
  const harness = new EngineHarness();
  harness.prober.answer('host-1:1', { passed: false });
  await harness.start();
  await harness.put(anApp('/web', { cmd: OLD, ...fields }));
  await harness.clock.advance(2_000);
  expect(harness.engine.view.deployments()).toEqual([]);
  return harness;
}

/** Another controller takes over. */
async function failOver(harness: EngineHarness): Promise<void> {
  harness.crash();
  await harness.start();
  await harness.clock.advance(2_000);
}

async function steer(harness: EngineHarness, id: string, command: DeploymentCommand) {
  const answer = harness.engine.steerDeployment(deploymentId(id), command);
  await harness.clock.advance(2_000);
  return answer;
}

/** How many tasks run each command. */
function commands(harness: EngineHarness): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { info } of harness.cluster.running()) {
    const command = info.command?.value ?? '';
    counts[command] = (counts[command] ?? 0) + 1;
  }
  return counts;
}

const taskOf = (harness: EngineHarness, command: string): string =>
  harness.cluster.running().find(({ info }) => info.command?.value === command)?.info.task_id
    .value ?? '';

const stored = async (harness: EngineHarness, id: string): Promise<Deployment> => {
  const deployment = await harness.store.loadDeployment(deploymentId(id));
  if (deployment === undefined) throw new Error(`${id} is not stored`);
  return deployment;
};

const waits = (harness: EngineHarness): string =>
  harness.engine.view
    .deployments()
    .flatMap(({ waitingFor }) => waitingFor)
    .join('\n');

describe('a deployment with a deadline', () => {
  it('fails, says why in numbers, and is rolled back to an equal definition', async () => {
    const harness = await aRunning({ instances: 2 });
    const before = harness.engine.view.root().apps.get(appId('/web'));
    const tasks = harness.cluster.running().map(({ info }) => info.task_id.value);
    const id = await harness.put(
      anApp('/web', { instances: 2, ...TOO_MUCH, rollout: { deadlineSeconds: 60 } }),
      { by: 'ann' },
    );
    await harness.clock.advance(50_000);
    expect(waits(harness)).toMatch(/deadline in \d+ s, then it fails and is rolled back/);

    await harness.clock.advance(15_000);

    const failed = await stored(harness, id);
    expect(failed).toMatchObject({ state: 'Failed', by: 'ann' });
    expect(failed.reason).toContain('not ended within its deadline of 60 s; rolled back by');
    const rollback = await stored(harness, failed.rolledBackBy ?? '');
    expect(rollback).toMatchObject({
      state: 'Succeeded',
      rollbackOf: id,
      reason: `rollback of ${id}`,
    });
    expect(rollback.limits).toBeUndefined();
    expect(harness.engine.view.root().apps.get(appId('/web'))).toEqual(before);
    expect(harness.cluster.running().map(({ info }) => info.task_id.value)).toEqual(tasks);
    expect(harness.eventTypes()).toContain('deployment_failed');
  });

  it('does not expire by a jump of the wall clock, nor while it is paused, and outlives its controller', async () => {
    const harness = await aRunning({ instances: 1 });
    const rollout = { deadlineSeconds: 60, autoRollback: false };
    const id = await harness.put(anApp('/web', { ...TOO_MUCH, rollout }));
    await harness.clock.advance(10_000);

    harness.clock.setWallClockBy(3_600_000);
    await harness.clock.advance(10_000);
    await steer(harness, id, { kind: 'pause' });
    await harness.clock.advance(100_000);
    expect(waits(harness)).toMatch(/deadline stands still with [34]\d s left/);
    await failOver(harness);
    await steer(harness, id, { kind: 'resume' });
    await failOver(harness);
    await harness.clock.advance(20_000);
    expect((await stored(harness, id)).state).toBe('Running');
    await harness.clock.advance(20_000);

    expect(await stored(harness, id)).toMatchObject({
      state: 'Failed',
      reason: 'it has not ended within its deadline of 60 s',
    });
    expect(harness.engine.view.root().apps.get(appId('/web'))?.cpus).toBe(TOO_MUCH.cpus);
  });
});

describe('a deployment with a budget of failures', () => {
  it('counts new instances only, over a fail-over, and is rolled back beyond it', async () => {
    const harness = await aRunning({ instances: 2 });
    const id = await harness.put(
      anApp('/web', { instances: 2, cmd: NEW, rollout: { maxFailures: 1 }, healthChecks: NEVER }),
    );
    await harness.clock.advance(200);
    harness.cluster.report(taskOf(harness, OLD), 'TASK_FAILED', { message: 'old' });
    harness.cluster.report(taskOf(harness, NEW), 'TASK_FAILED', { message: 'no such file' });
    await harness.clock.advance(5_000);
    expect(waits(harness)).toContain('failure budget: 1 of 1 failures of new instances so far');
    await failOver(harness);
    harness.cluster.report(taskOf(harness, NEW), 'TASK_FAILED', { message: 'no such file' });
    await harness.clock.advance(10_000);

    const failed = await stored(harness, id);
    expect(failed.reason).toContain('2 new instances failed and at most 1 may');
    expect(commands(harness)).toEqual({ [OLD]: 2 });
    const { events } = await harness.store.loadHistory(deploymentId(id));
    expect(events.filter(({ kind }) => kind === 'failed').map(({ message }) => message)).toEqual([
      'TASK_FAILED old',
      'TASK_FAILED no such file',
      'TASK_FAILED no such file',
    ]);
    expect(events.map(({ kind }) => kind)).toContain('launched');
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('is stored as failed and rolled back in one transaction, whenever the controller dies', async () => {
    for (const crashAt of [1, 2, 3, 4, 5, 6]) {
      const harness = await aRunning({ instances: 1 });
      const rollout = { maxFailures: 0 };
      const id = await harness.put(anApp('/web', { cmd: NEW, rollout, healthChecks: NEVER }));
      await harness.clock.advance(500);
      harness.crashAtEffect(crashAt);
      harness.cluster.report(taskOf(harness, NEW), 'TASK_FAILED');
      await harness.clock.advance(2_000);
      if (!harness.isRunning) await harness.start();
      await harness.clock.advance(10_000);

      const failed = await stored(harness, id);
      expect([failed.state, (await stored(harness, failed.rolledBackBy ?? '')).state]).toEqual([
        'Failed',
        'Succeeded',
      ]);
      expect(commands(harness)).toEqual({ [OLD]: 1 });
    }
  });

  it('only fails when it creates the app: there is nothing to go back to', async () => {
    const harness = new EngineHarness();
    harness.prober.answer('host-1:1', { passed: false });
    await harness.start();
    const id = await harness.put(
      anApp('/web', { rollout: { maxFailures: 0 }, healthChecks: NEVER }),
    );
    await harness.clock.advance(500);

    harness.cluster.report(taskOf(harness, OLD), 'TASK_FAILED');
    await harness.clock.advance(5_000);

    expect(await stored(harness, id)).toMatchObject({
      state: 'Failed',
      reason: '1 new instances failed and at most 0 may',
    });
    expect(commands(harness)).toEqual({ [OLD]: 1 });
  });
});

describe('a paused deployment', () => {
  it('keeps what is done with as it is declared, whatever was missing when it was paused', async () => {
    const harness = await aRunning({ instances: 2, backoffSeconds: 5 });
    const next = [
      anApp('/web', { instances: 2, backoffSeconds: 5, cmd: NEW }),
      anApp('/other', TOO_MUCH),
    ];
    const id = await harness.change({ putApps: next });
    await harness.clock.advance(5_000);

    harness.cluster.report(taskOf(harness, NEW), 'TASK_FAILED');
    await harness.clock.advance(100);
    await steer(harness, id, { kind: 'pause' });
    await failOver(harness);
    await harness.clock.advance(10_000);

    expect((await stored(harness, id)).pause).toBeDefined();
    expect(commands(harness)).toEqual({ [NEW]: 2 });
  });

  it('moves nothing, replaces what dies by its like, over a fail-over, until it is resumed', async () => {
    const upgradeStrategy = { minimumHealthCapacity: 1, maximumOverCapacity: 0.5 };
    const harness = await aRunning({ instances: 4, upgradeStrategy });
    const next = anApp('/web', { instances: 4, upgradeStrategy, cmd: NEW, healthChecks: NEVER });
    const id = await harness.put(next);
    await harness.clock.advance(1_000);
    expect(commands(harness)).toEqual({ [OLD]: 4, [NEW]: 2 });

    expect(await steer(harness, id, { kind: 'pause', by: 'ann' })).toEqual({ kind: 'done' });
    expect(await steer(harness, id, { kind: 'pause', by: 'bob' })).toEqual({ kind: 'done' });
    expect(waits(harness)).toMatch(/^paused by ann since 20\S+: resume to go on/);
    harness.cluster.report(taskOf(harness, OLD), 'TASK_FAILED');
    harness.cluster.report(taskOf(harness, NEW), 'TASK_FAILED');
    await harness.clock.advance(10_000);
    expect(commands(harness)).toEqual({ [OLD]: 4, [NEW]: 2 });
    await failOver(harness);
    harness.cluster.report(taskOf(harness, OLD), 'TASK_FAILED');
    await harness.clock.advance(10_000);
    expect(commands(harness)).toEqual({ [OLD]: 4, [NEW]: 2 });
    expect(waits(harness)).toContain('paused by ann');

    harness.prober.answer('host-1:1', { passed: true });
    expect(await steer(harness, id, { kind: 'resume' })).toEqual({ kind: 'done' });
    await harness.clock.advance(30_000);
    expect(commands(harness)).toEqual({ [NEW]: 4 });
    expect(harness.engine.view.deployments()).toEqual([]);
    expect(await steer(harness, id, { kind: 'pause' })).toEqual({ kind: 'not-running' });
    const { events } = await harness.store.loadHistory(deploymentId(id));
    const steered = events.filter(({ kind }) => kind === 'paused' || kind === 'resumed');
    expect(steered.map(({ kind, by }) => [kind, by])).toEqual([
      ['paused', 'ann'],
      ['resumed', undefined],
    ]);
  });
});

describe('a deployment in batches', () => {
  it('pauses after each batch, also when the controller dies there, and ends with the rest', async () => {
    const rollout = { batches: [2, 3] };
    const harness = await aRunning({ instances: 7, rollout });
    const id = await harness.put(anApp('/web', { instances: 7, cmd: NEW, rollout }));
    await harness.clock.advance(5_000);
    expect(commands(harness)).toEqual({ [OLD]: 5, [NEW]: 2 });
    expect(waits(harness)).toContain('after batch 1 of 2 of /web: resume to go on');

    await failOver(harness);
    expect(commands(harness)).toEqual({ [OLD]: 5, [NEW]: 2 });
    await steer(harness, id, { kind: 'resume' });
    await harness.clock.advance(5_000);
    expect(commands(harness)).toEqual({ [OLD]: 2, [NEW]: 5 });
    await failOver(harness);
    await steer(harness, id, { kind: 'resume' });
    await harness.clock.advance(5_000);

    expect(commands(harness)).toEqual({ [NEW]: 7 });
    const ended = await stored(harness, id);
    expect(ended.state).toBe('Succeeded');
    expect(ended.phases).toHaveLength(1);
    expect(ended.phases?.[0]?.finishedAtEpochMs).toBe(ended.finishedAtEpochMs);
  });

  it('goes on by itself where pauses are not wanted', async () => {
    const rollout = { batches: [1, 1], pauseAfterBatch: false };
    const harness = await aRunning({ instances: 3 });

    await harness.put(anApp('/web', { instances: 3, cmd: NEW, rollout }));
    await harness.clock.advance(10_000);

    expect(commands(harness)).toEqual({ [NEW]: 3 });
    const batches = harness.eventTypes().filter((type) => type === 'deployment_batch_done');
    expect(batches).toHaveLength(2);
  });
});

describe('a deployment with canaries', () => {
  const rollout = { canary: { instances: 2 }, deadlineSeconds: 60 };
  const fields = {
    instances: 4,
    upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0 },
  };

  it('puts them beside all old ones and goes on when they are promoted', async () => {
    const harness = await aRunning(fields);
    const id = await harness.put(anApp('/web', { ...fields, cmd: NEW, rollout }));
    await harness.clock.advance(5_000);
    expect(commands(harness)).toEqual({ [OLD]: 4, [NEW]: 2 });
    expect(waits(harness)).toMatch(/\/web: waits for promotion of its canaries since 20/);

    await harness.clock.advance(200_000);
    await failOver(harness);
    expect(commands(harness)).toEqual({ [OLD]: 4, [NEW]: 2 });
    expect(await steer(harness, id, { kind: 'promote', force: false })).toEqual({ kind: 'done' });
    await harness.clock.advance(10_000);

    expect(commands(harness)).toEqual({ [NEW]: 4 });
    expect((await stored(harness, id)).state).toBe('Succeeded');
  });

  it('aborts without touching an old one', async () => {
    const harness = await aRunning(fields);
    const before = harness.cluster.running().map(({ info }) => info.task_id.value);
    const id = await harness.put(anApp('/web', { ...fields, cmd: NEW, rollout }));
    await harness.clock.advance(5_000);

    const aborted = harness.engine.cancelDeployment(deploymentId(id), { force: false, by: 'ann' });
    await harness.clock.advance(10_000);

    expect(await aborted).toMatchObject({ kind: 'accepted' });
    expect(harness.cluster.running().map(({ info }) => info.task_id.value)).toEqual(before);
    const undone = await stored(harness, id);
    expect(undone.state).toBe('Cancelled');
    const rollback = await stored(harness, undone.rolledBackBy ?? '');
    expect(rollback).toMatchObject({ state: 'Succeeded', rollbackOf: id, by: 'ann' });
  });

  it('puts them in the place of those that a stopped deployment left', async () => {
    const harness = await aRunning(fields);
    await harness.put(anApp('/web', { ...fields, cmd: 'sleep 300', rollout }));
    await harness.clock.advance(5_000);

    const next = anApp('/web', { ...fields, cmd: NEW, rollout });
    const id = await harness.put(next, { force: true });
    await harness.clock.advance(5_000);

    expect(commands(harness)).toEqual({ [OLD]: 4, [NEW]: 2 });
    expect(await steer(harness, id, { kind: 'promote', force: false })).toEqual({ kind: 'done' });
  });

  it('does not promote canaries that do not serve, unless it is forced to', async () => {
    const harness = await aRunning(fields);
    const next = anApp('/web', { ...fields, cmd: NEW, rollout, healthChecks: NEVER });
    const id = await harness.put(next);
    await harness.clock.advance(5_000);

    const refused = await steer(harness, id, { kind: 'promote', force: false });
    const forced = await steer(harness, id, { kind: 'promote', force: true });

    expect(refused).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('0 of 2 canaries are running, healthy and ready'),
    });
    expect(forced).toEqual({ kind: 'done' });
    expect(await steer(harness, id, { kind: 'promote', force: false })).toEqual({ kind: 'done' });
  });
});

describe('the rollout of an app', () => {
  it('is stored and restarts nothing when it alone changes', async () => {
    const harness = await aRunning({ instances: 2 });
    const before = harness.cluster.running().map(({ info }) => info.task_id.value);
    const rollout = { maxFailures: 3 };

    await harness.put(anApp('/web', { instances: 2, rollout }));
    await harness.clock.advance(5_000);

    expect(harness.engine.view.root().apps.get(appId('/web'))?.rollout).toEqual(rollout);
    expect(harness.cluster.running().map(({ info }) => info.task_id.value)).toEqual(before);
    expect(harness.engine.view.deployments()).toEqual([]);
  });
});

/** A check that the prober answers for all instances at once. */
const NEVER: App['healthChecks'] = [
  aHealthCheck({ protocol: 'HTTP', path: '/', port: 1, gracePeriodSeconds: 3_600 }),
];
