import { describe, expect, it } from 'vitest';
import { appId } from '#core';
import {
  SchedulerCallError,
  type SchedulerCallWithoutFrameworkId,
  type SchedulerDriver,
} from '#framework';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const BODY_LIMIT_BYTES = 8 * 1024 * 1024;

/** An engine whose calls pass through `around` on their way to the master. */
async function anEngine(
  around: (call: SchedulerCallWithoutFrameworkId, send: SchedulerDriver['call']) => Promise<void>,
) {
  const harness = new EngineHarness();
  const connect = harness.cluster.connect.bind(harness.cluster);
  harness.cluster.connect = (handlers, id, roles) => {
    const driver = connect(handlers, id, roles);
    return { ...driver, call: (call) => around(call, driver.call) };
  };
  await harness.start();
  return harness;
}

/** Environment of about 300 KiB. */
const BIG = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`V${n}`, 'x'.repeat(30_000)]));

describe('ACCEPT', () => {
  it('stays below the body limit of a master however big the tasks, and asks for the rest at once', async () => {
    const bytes: number[] = [];
    const harness = await anEngine(async (call, send) => {
      if (call.type === 'ACCEPT') bytes.push(JSON.stringify(call).length);
      await send(call);
    });

    await harness.put(anApp('/big', { instances: 60, env: BIG }));
    await harness.clock.advance(2_000);

    expect(harness.cluster.running()).toHaveLength(60);
    expect(bytes.length).toBeGreaterThan(1);
    expect(Math.max(...bytes)).toBeLessThan(BODY_LIMIT_BYTES * 0.75);
  });

  it('gives a single task a try, whatever its size', async () => {
    const harness = await anEngine((call, send) => send(call));

    await harness.put(anApp('/huge', { env: { V: 'x'.repeat(BODY_LIMIT_BYTES) } }));
    await harness.clock.advance(2_000);

    expect(harness.cluster.running()).toHaveLength(1);
  });
});

describe('an ACCEPT the master refuses', () => {
  const refuse = async (
    call: SchedulerCallWithoutFrameworkId,
    send: SchedulerDriver['call'],
  ): Promise<void> => {
    if (call.type !== 'ACCEPT') return send(call);
    throw new SchedulerCallError('REFUSED', 'ACCEPT was answered 413: too large', 413);
  };

  it('gives the offer back, and delays the app more and more, saying why', async () => {
    const calls: string[] = [];
    const harness = await anEngine(async (call, send) => {
      calls.push(call.type);
      await refuse(call, send);
    });

    await harness.put(anApp('/web', { instances: 3 }));
    await harness.clock.advance(60_000);

    const accepts = calls.filter((type) => type === 'ACCEPT').length;
    expect(accepts).toBeGreaterThan(2);
    expect(accepts).toBeLessThan(30);
    expect(calls.filter((type) => type === 'DECLINE').length).toBeGreaterThanOrEqual(accepts);
    expect(harness.engine.view.failureOf(appId('/web'))).toMatchObject({
      state: 'TASK_DROPPED',
      message: 'the master refused the launch: ACCEPT was answered 413: too large',
    });
    const [deployment] = harness.engine.view.deployments();
    expect(deployment?.waitingFor.join('\n')).toMatch(/delayed for .* ACCEPT was answered 413/);
    expect(harness.conditions('/web')).toEqual([]);
  });

  it('delays nothing when it was refused only once', async () => {
    let refusals = 1;
    const harness = await anEngine(async (call, send) => {
      if (call.type === 'ACCEPT' && refusals > 0) {
        refusals -= 1;
        await refuse(call, send);
      }
      await send(call);
    });

    await harness.put(anApp('/web', { backoffSeconds: 3_600 }));
    await harness.clock.advance(6_000);

    expect(harness.conditions('/web')).toEqual(['Running']);
  });
});

describe('an offer that comes right after a change', () => {
  it.each([
    ['is removed', {}, { removeApps: [appId('/web')] }],
    ['has another definition', {}, { putApps: [anApp('/web', { cmd: 'sleep 2' })] }],
    ['is removed, a daemon', { workload: 'daemon' }, { removeApps: [appId('/web')] }],
  ] as const)('launches nothing of before of an app that %s', async (_, fields, change) => {
    const harness = new EngineHarness(undefined, { evaluationDelayMs: 50 });
    harness.cluster.away.add('agent-1');
    await harness.start();
    await harness.put(anApp('/web', { cmd: 'sleep 1', ...fields }));
    await harness.clock.advance(2_000);

    await harness.change(change, { force: true });
    harness.cluster.away.clear();
    harness.cluster.planRound();
    await harness.clock.advance(40);

    expect([...harness.cluster.tasks.values()]).toEqual([]);
    await harness.clock.advance(2_000);
    const commands = harness.cluster.running().map(({ info }) => info.command?.value);
    expect(commands).toEqual('putApps' in change ? ['sleep 2'] : []);
  });
});
