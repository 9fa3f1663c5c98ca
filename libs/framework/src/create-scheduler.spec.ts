import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '#core';
import type { SchedulerEvent } from '#mesos-v1';
import { createScheduler, type Scheduler, type SchedulerOptions } from './create-scheduler.js';
import type { SchedulerHandlers } from './scheduler-driver.js';
import { ScriptedMaster } from './scripted-master.test-support.js';

/** Real time: the other side is a real socket. Every wait is for an outcome. */
const clock: Clock = {
  now: () => ({ epochMs: 0, monoMs: performance.now() }),
  schedule: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
const update = (taskId: string): SchedulerEvent => ({
  type: 'UPDATE',
  update: {
    status: {
      task_id: { value: taskId },
      agent_id: { value: 'a' },
      state: 'TASK_RUNNING',
      uuid: UUID,
    },
  },
});

let master: ScriptedMaster;
let scheduler: Scheduler | undefined;
let told: string[];

beforeEach(async () => {
  master = await ScriptedMaster.start();
  told = [];
});

afterEach(async () => {
  await scheduler?.stop();
  await master.stop();
});

function start(
  handlers: Partial<SchedulerHandlers> = {},
  options: Partial<SchedulerOptions> = {},
): Scheduler {
  scheduler = createScheduler({
    masters: [master.address],
    frameworkInfo: { user: 'root', name: 'n' },
    clock,
    backOff: { initialMs: 1, maxMs: 10 },
    handlers: {
      onSubscribed: (id) => void told.push(`subscribed ${id}`),
      onOffers: (offers) => void told.push(`offers ${offers.length}`),
      onRescind: (id) => void told.push(`rescind ${id}`),
      onRescindInverseOffer: (id) => void told.push(`rescind inverse ${id}`),
      onUpdate: async (status) => void told.push(`update ${status.task_id.value}`),
      onFailure: ({ agentId }) => void told.push(`failure ${agentId}`),
      onError: (message) => void told.push(`error ${message}`),
      onDisconnected: () => void told.push('disconnected'),
      ...handlers,
    },
    ...options,
  });
  scheduler.start();
  return scheduler;
}

describe('createScheduler', () => {
  it('subscribes, tells its id, and delivers events in order', async () => {
    start();
    await expect.poll(() => told).toEqual(['subscribed fw-1']);

    master.send({ type: 'OFFERS', offers: { offers: [] } });
    master.send({ type: 'RESCIND', rescind: { offer_id: { value: 'o' } } });
    master.send({
      type: 'RESCIND_INVERSE_OFFER',
      rescind_inverse_offer: { inverse_offer_id: { value: 'i' } },
    });
    master.send({ type: 'FAILURE', failure: { agent_id: { value: 'a' } } });

    await expect
      .poll(() => told)
      .toEqual(['subscribed fw-1', 'offers 0', 'rescind o', 'rescind inverse i', 'failure a']);
  });

  it('acknowledges an update only once its handler has finished', async () => {
    let finish: () => void = () => undefined;
    start({
      onUpdate: () =>
        new Promise((resolve) => {
          finish = resolve;
          told.push('handling');
        }),
    });
    await expect.poll(() => master.subscriptions).toBe(1);

    master.send(update('t'));
    await expect.poll(() => told).toContain('handling');
    expect(master.typesReceived()).not.toContain('ACKNOWLEDGE');
    finish();

    await expect.poll(() => master.typesReceived()).toContain('ACKNOWLEDGE');
  });

  it('does not acknowledge an update without a uuid', async () => {
    start();
    await expect.poll(() => master.subscriptions).toBe(1);

    master.send({ type: 'UPDATE', update: { status: { task_id: { value: 'u' }, state: 'X' } } });
    await expect.poll(() => told).toContain('update u');
    await scheduler?.stop();

    expect(master.typesReceived()).toEqual(['SUBSCRIBE']);
  });

  it('subscribes again, with the id it has, when a handler fails', async () => {
    let failures = 0;
    start({
      onUpdate: async () => {
        failures += 1;
        if (failures === 1) throw new Error('disk full');
      },
    });
    await expect.poll(() => master.subscriptions).toBe(1);
    master.send(update('t'));

    await expect.poll(() => master.subscriptions).toBe(2);
    expect(master.received.at(-1)?.framework_id?.value).toBe('fw-1');
    expect(master.typesReceived()).not.toContain('ACKNOWLEDGE');
    master.send(update('t'));

    await expect.poll(() => master.typesReceived()).toContain('ACKNOWLEDGE');
  });

  it('subscribes again when the stream ends', async () => {
    start();
    await expect.poll(() => master.subscriptions).toBe(1);

    master.endStreams();

    await expect.poll(() => told).toEqual(['subscribed fw-1', 'disconnected', 'subscribed fw-1']);
  });

  it('subscribes again at once when asked to, with the info of that moment', async () => {
    let roles = ['*'];
    const driver = start(
      {},
      {
        frameworkInfo: () => ({ user: 'root', name: 'n', roles }),
        backOff: { initialMs: 1e9, maxMs: 1e9 },
      },
    );
    await expect.poll(() => told).toEqual(['subscribed fw-1']);

    roles = ['*', 'dev'];
    driver.resubscribe();
    await expect.poll(() => told).toEqual(['subscribed fw-1', 'disconnected', 'subscribed fw-1']);

    const subscriptions = master.received.filter(({ type }) => type === 'SUBSCRIBE');
    expect(subscriptions.map((call) => call.subscribe?.framework_info.roles)).toEqual([
      ['*'],
      ['*', 'dev'],
    ]);
    expect(subscriptions.map((call) => call.framework_id?.value)).toEqual([undefined, 'fw-1']);
    await driver.call({ type: 'REVIVE' });
  });

  it('names the master that leads, not the one that redirects', async () => {
    const leader = await ScriptedMaster.start();
    master.refusal = { status: 307, location: `//${leader.address}/api/v1/scheduler` };

    start({ onSubscribed: (_, address) => void told.push(address) });

    await expect.poll(() => told).toEqual([leader.address]);
    await scheduler?.stop();
    await leader.stop();
  });

  it('subscribes again after five missed heartbeats', async () => {
    master.heartbeatSeconds = 0.01;

    start();

    await expect.poll(() => master.subscriptions).toBeGreaterThan(2);
  });

  it('follows a redirect to the leader, scheme-relative or bare', async () => {
    const leader = await ScriptedMaster.start();
    master.refusal = { status: 307, location: `//${leader.address}/api/v1/scheduler` };

    start();
    await expect.poll(() => leader.subscriptions).toBe(1);
    master.refusal = { status: 307, location: leader.address };
    leader.endStreams();

    await expect.poll(() => leader.subscriptions).toBe(2);
    await scheduler?.stop();
    await leader.stop();
  });

  it('keeps trying masters that are away or answer 503', async () => {
    master.refusal = { status: 503 };
    start({}, { masters: ['127.0.0.1:1', master.address] });
    await expect.poll(() => master.typesReceived().length).toBeGreaterThan(2);

    master.refusal = undefined;

    await expect.poll(() => told).toContain('subscribed fw-1');
  });

  it('authenticates every request, as the principal it subscribes for', async () => {
    const driver = start({}, { credential: { principal: 'ops', secret: 's:ä' } });
    await expect.poll(() => told).toContain('subscribed fw-1');

    await driver.call({ type: 'REVIVE' });

    const expected = `Basic ${Buffer.from('ops:s:ä').toString('base64')}`;
    expect(master.authorizations).toEqual([expected, expected]);
    expect(master.received[0]?.subscribe?.framework_info.principal).toBe('ops');
    expect(() => start({}, { credential: { principal: 'a:b', secret: '' } })).toThrow(TypeError);
  });

  it('stops for good on ERROR', async () => {
    start();
    await expect.poll(() => master.subscriptions).toBe(1);

    master.send({ type: 'ERROR', error: { message: 'Framework has been removed' } });
    await expect.poll(() => told).toContain('error Framework has been removed');
    master.endStreams();
    await scheduler?.stop();

    expect(master.subscriptions).toBe(1);
  });

  it('repeats calls the master answered 503, and says when one is refused', async () => {
    const driver = start();
    await expect.poll(() => told).toContain('subscribed fw-1');
    master.answers.push(503, 503, 202);

    await driver.call({ type: 'REVIVE' });
    expect(master.typesReceived().filter((type) => type === 'REVIVE')).toHaveLength(3);
    master.answers.push(400);

    await expect(driver.call({ type: 'SUPPRESS' })).rejects.toMatchObject({
      code: 'REFUSED',
      status: 400,
    });
  });

  it.each(['crash', 'endStreams'] as const)(
    'cannot say what became of a call without an answer when the master goes (%s)',
    async (end) => {
      const driver = start();
      await expect.poll(() => told).toContain('subscribed fw-1');
      master.isSilent = true;
      const outcome = driver.call({ type: 'ACCEPT', accept: { offer_ids: [] } }).catch((e) => e);
      await expect.poll(() => master.typesReceived()).toContain('ACCEPT');

      master[end]();

      expect(await outcome).toMatchObject({ code: 'UNAVAILABLE' });
    },
  );

  it('refuses calls while it is not subscribed', async () => {
    const driver = createScheduler({
      masters: [master.address],
      frameworkInfo: { user: 'root', name: 'n' },
      clock,
      handlers: {
        onSubscribed: () => undefined,
        onOffers: () => undefined,
        onRescind: () => undefined,
        onUpdate: async () => undefined,
        onFailure: () => undefined,
        onError: () => undefined,
        onDisconnected: () => undefined,
      },
    });

    await expect(driver.call({ type: 'REVIVE' })).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  it('reconciles after subscribing and then on a timer', async () => {
    start(
      {},
      { reconciliation: { intervalMs: 5, tasks: async () => [{ taskId: 't', agentId: 'a' }] } },
    );

    await expect
      .poll(() => master.received.filter((call) => call.reconcile?.tasks.length === 1).length)
      .toBeGreaterThan(2);
  });

  it('tears down once and does not subscribe again', async () => {
    const driver = start();
    await expect.poll(() => told).toContain('subscribed fw-1');

    await driver.teardown();

    expect(master.typesReceived()).toEqual(['SUBSCRIBE', 'TEARDOWN']);
    expect(told).toEqual(['subscribed fw-1']);
  });
});
