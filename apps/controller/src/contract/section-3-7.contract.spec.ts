/** Sections 3.7 to 3.10 of the contract, fact by fact: offers, back-off, lost instances, periodic work, flags. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type App, appId, type InstanceCondition } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { startApi } from '../controller-api.test-support.js';
import { EngineHarness } from '../engine/engine-harness.test-support.js';
import { DEFAULT_ENGINE_OPTIONS } from '../engine/engine-ports.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 60_000 });

const BACK_OFF = 'libs/deployment/src/back-off.spec.ts';
const ENGINE = 'apps/controller/src/engine/engine.spec.ts';
const INSTANCES = 'libs/core/src/instance-state.spec.ts';
const DEFECTS = 'apps/controller/src/engine/marathon-defects.spec.ts';
const KILLS = 'apps/controller/src/engine/kill-queue.spec.ts';
const WEB = appId('/web');

let harness: EngineHarness;
beforeEach(() => {
  harness = new EngineHarness();
});
afterEach(() => harness.crash());

const web = (fields: Partial<App> = {}): App => anApp('/web', fields);

async function arrange(fields: Partial<App> = {}): Promise<string> {
  await harness.start();
  await harness.put(web(fields));
  await harness.clock.advance(1_000);
  return taskNow();
}

const taskNow = (): string => harness.cluster.running()[0]?.info.task_id.value ?? '';
const delayLeft = (): number => harness.engine.view.queue()[0]?.delayLeftMs ?? 0;
const conditionsTold = (): readonly string[] =>
  harness.events
    .filter(({ type }) => type === 'instance_changed_event')
    .map(({ payload }) => (JSON.parse(payload) as { readonly condition: string }).condition);
/** Long enough for a test to see that it waits. */
const BACKOFF = { backoffSeconds: 100 };
const AWAY = { unreachableStrategy: { inactiveAfterSeconds: 300, expungeAfterSeconds: 600 } };

describe('3.7 Launch queue, offers, back-off', () => {
  shownBy(
    'the stages of an instance',
    INSTANCES,
    'goes from provisioned to running and says that it started once',
  );

  it.each<[string, string | undefined, InstanceCondition, boolean]>([
    ['TASK_ERROR', undefined, 'Error', true],
    ['TASK_FAILED', undefined, 'Failed', true],
    ['TASK_FINISHED', undefined, 'Finished', true],
    ['TASK_DROPPED', undefined, 'Dropped', true],
    ['TASK_GONE', undefined, 'Gone', true],
    ['TASK_GONE_BY_OPERATOR', undefined, 'Gone', true],
    ['TASK_LOST', 'REASON_SLAVE_UNKNOWN', 'Gone', true],
    ['TASK_KILLED', undefined, 'Killed', false],
    ['TASK_UNKNOWN', undefined, 'Unknown', false],
    ['TASK_GONE_BY_OPERATOR', 'REASON_AGENT_DRAINING', 'Gone', false],
  ])(
    '%s (%s) ends an instance as %s; the next one is delayed: %s',
    async (state, reason, condition, isDelayed) => {
      const task = await arrange(BACKOFF);

      harness.cluster.report(task, state, reason === undefined ? {} : { reason });
      await harness.clock.advance(1_000);

      expect(conditionsTold()).toContain(condition);
      expect(delayLeft() > 0).toBe(isDelayed);
      expect(harness.conditions('/web')).toEqual(isDelayed ? [] : ['Running']);
    },
  );

  it('asks for offers only while something waits and its back-off has passed', async () => {
    const task = await arrange(BACKOFF);
    expect(harness.cluster.calls.at(-1)).toBe('SUPPRESS');

    harness.cluster.report(task, 'TASK_FAILED');
    await harness.clock.advance(90_000);
    expect(harness.cluster.calls.at(-1)).toBe('SUPPRESS');
    expect(delayLeft()).toBeGreaterThan(0);
    await harness.clock.advance(20_000);

    expect(harness.cluster.calls).toContain('REVIVE');
    expect(harness.conditions('/web')).toEqual(['Running']);
    expect(harness.cluster.calls.at(-1)).toBe('SUPPRESS');
  });

  decidedOtherwise('limits of matching', '5 instances and 3 s per offer, 100 launches per 30 s');
  shownBy(
    'the key: scaling keeps it',
    BACK_OFF,
    'is cleared by a change of configuration, not by scaling',
  );
  shownBy(
    'the first delay and each further one',
    BACK_OFF,
    'starts with backoffSeconds and grows by the factor',
  );
  shownBy('at most maxLaunchDelay', BACK_OFF, 'never exceeds maxLaunchDelay and never shrinks');
  shownBy(
    'progress moves the reference, age clears it',
    BACK_OFF,
    'is forgotten maxLaunchDelay after the last progress',
  );

  it.each<[string, () => Promise<unknown>]>([
    ['DELETE of the delay', async () => harness.engine.resetDelay(WEB)],
    ['a restart', () => harness.change({}, { restart: [WEB], force: true })],
    [
      'the removal of the app',
      async () => {
        await harness.change({ removeApps: [WEB] }, { force: true });
        await harness.put(web(BACKOFF), { force: true });
      },
    ],
  ])('the delay is cleared by %s', async (_what, clear) => {
    const task = await arrange(BACKOFF);
    harness.cluster.report(task, 'TASK_FAILED');
    await harness.clock.advance(500);
    expect(delayLeft()).toBeGreaterThan(90_000);

    const cleared = clear();
    await harness.clock.advance(1_000);
    await cleared;

    expect(harness.conditions('/web')).toEqual(['Running']);
  });

  shownBy(
    'kills are repeated until the task has ended',
    KILLS,
    'asks again until the task has ended',
  );
  shownBy('a bounded number is in flight', KILLS, 'asks for a bounded number at once');
  decidedOtherwise('the numbers', '100 kills in flight, each repeated after 30 s');

  it('an unreachable instance is decommissioned instead of killed', async () => {
    const task = await arrange(AWAY);
    harness.cluster.report(task, 'TASK_UNREACHABLE');
    await harness.clock.advance(1_000);
    harness.cluster.calls.length = 0;

    await harness.put(web({ ...AWAY, instances: 0 }));
    await harness.clock.advance(1_000);

    expect(harness.conditions('/web')).toEqual([]);
    expect(harness.cluster.calls).not.toContain('KILL');
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  shownBy(
    'an unreachable instance with a reservation stays',
    'libs/core/src/resident-state.spec.ts',
    'waits for its agent for ever, and ends when it is back if it was stopped meanwhile',
  );

  it.each<[InstanceCondition, string | undefined]>([
    ['Provisioned', undefined],
    ['Staging', 'TASK_STAGING'],
    ['Starting', 'TASK_STARTING'],
  ])('what stays %s for 300 s is killed and replaced', async (condition, state) => {
    await harness.start();
    await harness.put(web());
    while (harness.cluster.tasks.size === 0) await harness.clock.advance(1);
    const [[id, task] = ['', undefined]] = harness.cluster.tasks;
    if (state !== undefined) harness.cluster.report(id, state);
    // The fake cluster runs what is staging.
    if (task !== undefined) task.state = 'held';
    await harness.clock.advance(50);
    expect(harness.conditions('/web')).toEqual([condition]);

    await harness.clock.advance(298_000);
    expect(harness.cluster.calls).not.toContain('KILL');
    await harness.clock.advance(4_000);

    expect(harness.cluster.calls).toContain('KILL');
    expect(harness.conditions('/web')).toEqual(['Running']);
  });

  decidedOtherwise(
    'a reservation unanswered for 20 s is dropped',
    'unanswered for 20 s is asked about',
  );
});

describe('3.8 Unreachable', () => {
  it.each([
    ['TASK_UNREACHABLE', undefined],
    ['TASK_LOST', 'REASON_RECONCILIATION'],
    ['TASK_LOST', 'REASON_SLAVE_DISCONNECTED'],
    ['TASK_LOST', 'REASON_AGENT_DISCONNECTED'],
    ['TASK_LOST', 'REASON_SLAVE_REMOVED'],
    ['TASK_LOST', 'REASON_AGENT_REMOVED'],
  ])('%s (%s) is unreachable, and still counts', async (state, reason) => {
    const task = await arrange(AWAY);

    harness.cluster.report(task, state, reason === undefined ? {} : { reason });
    await harness.clock.advance(5_000);

    expect(harness.conditions('/web')).toEqual(['Unreachable']);
    expect(harness.cluster.tasks.size).toBe(1);
  });

  shownBy('TASK_LOST for another reason has ended', INSTANCES, 'reads TASK_LOST by its reason');
  shownBy(
    'replaced after inactiveAfter',
    DEFECTS,
    '761: a lost instance is replaced after inactiveAfter, to the second',
  );
  shownBy(
    'forgotten after expungeAfter',
    INSTANCES,
    'replaces an unreachable instance after inactiveAfter and forgets it after expungeAfter',
  );

  it('both at once with the default of 0 and 0; killed when it comes back', async () => {
    const task = await arrange();

    harness.cluster.report(task, 'TASK_UNREACHABLE');
    await harness.clock.advance(1_000);
    const ids = () => harness.engine.view.instancesOf(WEB).map(({ instance }) => instance.taskId);
    expect(harness.conditions('/web')).toEqual(['Running']);
    expect(ids()).not.toContain(task);

    harness.cluster.report(task, 'TASK_RUNNING');
    // Until it is known that no router has requests for it.
    await harness.clock.advance(16_000);
    expect(harness.cluster.tasks.has(task)).toBe(false);
    expect(harness.conditions('/web')).toEqual(['Running']);
  });

  decidedOtherwise('timers lag', 'unreachable instances are looked at when updates arrive');

  it('old and new both present on its return: the surplus is killed', async () => {
    const task = await arrange({
      unreachableStrategy: { inactiveAfterSeconds: 1, expungeAfterSeconds: 600 },
    });
    harness.cluster.report(task, 'TASK_UNREACHABLE');
    await harness.clock.advance(3_000);
    expect([...harness.conditions('/web')].sort()).toEqual(['Running', 'UnreachableInactive']);

    harness.cluster.report(task, 'TASK_RUNNING');
    await harness.clock.advance(3_000);

    expect(harness.conditions('/web')).toEqual(['Running']);
    expect(harness.cluster.running()).toHaveLength(1);
  });
});

describe('3.9 Periodic work', () => {
  const reconciliations = (): number =>
    harness.cluster.calls.filter((call) => call === 'RECONCILE').length;

  it('reconciles by name and then without names, on election and every 600 s', async () => {
    await arrange();
    const before = reconciliations();
    await harness.clock.advance(590_000);
    expect(reconciliations()).toBe(before);
    await harness.clock.advance(20_000);
    expect(reconciliations()).toBe(before + 2);

    harness.crash();
    await harness.start();
    await harness.clock.advance(100);
    expect(reconciliations()).toBe(before + 4);
  });

  shownBy(
    'instances of unknown apps are decommissioned',
    ENGINE,
    'kills tasks of its framework that it does not know',
  );
  decidedOtherwise('15 s after election', 'reconciliation and scale check 15 s after election');

  it('looks at every app each 300 s', () => {
    expect(DEFAULT_ENGINE_OPTIONS.scaleCheckIntervalMs).toBe(300_000);
  });

  shownBy('and after each end', ENGINE, 'replaces a task that failed after its back-off');
});

describe('3.10 Other flags that matter (defaults)', () => {
  it('what is fixed is told by /v2/info', async () => {
    const api = await startApi();

    const { marathon_config: config } = (await api.ask('GET', '/v2/info')).json();
    await api.daemon.close();

    expect(config).toMatchObject({
      ...{ failover_timeout: 604_800, local_port_min: 10_000, local_port_max: 20_000 },
      ...{ reconciliation_interval: 600_000, scale_apps_interval: 300_000 },
      ...{ task_launch_confirm_timeout: 300_000, task_launch_timeout: 300_000 },
      ...{ mesos_role: '*', executor: '//cmd', checkpoint: true, ha: true },
    });
  });

  it('new groups do not enforce their role', async () => {
    const api = await startApi();
    await api.ask('POST', '/v2/apps', { id: '/team/web', cmd: 'x' });

    const group = await api.ask('GET', '/v2/groups/team');
    await api.daemon.close();

    expect(group.json().enforceRole).toBe(false);
  });

  shownBy(
    'accepted roles: any',
    'libs/matcher/src/match-offer.spec.ts',
    'uses reserved resources of its role first and only roles it accepts',
  );
  shownBy(
    'maintenance mode is on',
    'apps/controller/src/engine/matchable-offer.spec.ts',
    'an agent takes nothing from 5 min before its maintenance window to its end',
  );
  decidedOtherwise(
    'a bound of the event stream in messages',
    'Event streams are bounded per reader (4 MiB',
  );
  decidedOtherwise('GPUs are scarce', '`DeclinedScarceResources` is always 0');
  decidedOtherwise('limits, plugins and exit codes', '`--max_apps`, `--zk_*`');
});
