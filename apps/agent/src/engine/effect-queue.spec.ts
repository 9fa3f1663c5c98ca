import { describe, expect, test } from 'vitest';
import type { AgentEffect, JournalRecord } from '#cluster';
import { type ExecutorTable, type RunKey, runKey } from '#core';
import { settle } from '../../../../test/support/virtual-clock.js';
import { EffectQueue, MAX_WAITING } from './effect-queue.js';

const RUN = runKey('task', '1');

/** A queue whose writes are held up until `clear`. */
function heldUp() {
  const done: AgentEffect[] = [];
  let clear = () => {};
  const room = new Promise<void>((resolve) => {
    clear = resolve;
  });
  const executors = new Proxy({} as ExecutorTable<AgentEffect>, {
    get: () => async (effect: AgentEffect) => {
      const isWrite = effect.kind === 'journal' || effect.kind === 'persist-identity';
      if (isWrite) await room;
      done.push(effect);
    },
  });
  const queue = new EffectQueue(executors, {
    fail: (error) => {
      throw error;
    },
    unwritten: () => undefined,
    isHeldUp: () => true,
  });
  return { queue, done, clear };
}

const kill = (graceMs: number): AgentEffect => ({
  kind: 'journal',
  run: RUN,
  records: [{ kind: 'kill', run: RUN, kill: { graceMs } }],
});
const update = (latestState: string): AgentEffect => ({
  kind: 'send-update',
  ...{ run: RUN, frameworkId: 'F', latestState },
  status: { task_id: { value: 'task' }, state: 'TASK_RUNNING', uuid: 'u' },
});
const resend = (delayMs: number): AgentEffect => ({
  kind: 'set-timer',
  ...{ run: RUN, timer: 'resend', delayMs },
});
const identity = (highestEpoch: number): AgentEffect => ({
  kind: 'persist-identity',
  identity: { highestEpoch, bootId: 'boot' },
});
const written = (effects: readonly AgentEffect[]): readonly JournalRecord[] =>
  effects.flatMap((effect) => (effect.kind === 'journal' ? effect.records : []));

describe('while a write is held up', () => {
  test('what repeats for a run takes the place of what waits: masters come and go, kills are repeated', async () => {
    const { queue, done, clear } = heldUp();
    for (let round = 0; round < 10_000; round += 1) {
      queue.add([kill(round), update('TASK_RUNNING'), resend(round)]);
      // By then the first one is being written.
      if (round === 0) await settle();
    }

    expect(queue.countOf(RUN)).toBeLessThanOrEqual(4);

    clear();
    await queue.idle();
    expect(written(done).map((one) => one.kind === 'kill' && one.kill.graceMs)).toEqual([0, 9_999]);
    expect(done).toContainEqual(resend(9_999));
    expect(queue.countOf(RUN)).toBe(0);
  });

  test('nothing is told before it is written: a newer state has a place of its own', async () => {
    const { queue, done, clear } = heldUp();
    const finished: AgentEffect = {
      kind: 'journal',
      run: RUN,
      records: [{ kind: 'launching', run: RUN }],
    };
    queue.add([kill(1)]);
    await settle();
    queue.add([update('TASK_RUNNING'), finished, update('TASK_FINISHED'), kill(2)]);

    clear();
    await queue.idle();
    expect(done).toEqual([
      kill(1),
      update('TASK_RUNNING'),
      finished,
      update('TASK_FINISHED'),
      kill(2),
    ]);
  });

  test('what the agent itself writes and says is bounded too', async () => {
    const { queue, done, clear } = heldUp();
    for (let epoch = 0; epoch < 1_000; epoch += 1) {
      queue.add([identity(epoch), { kind: 'watch-pings', delayMs: epoch }]);
    }
    await settle();

    clear();
    await queue.idle();
    expect(done.filter(({ kind }) => kind === 'persist-identity')).toHaveLength(1);
    expect(done).toContainEqual(identity(999));
    expect(done).toContainEqual({ kind: 'watch-pings', delayMs: 999 });
  });

  test('messages to an executor are dropped and its calls refused when its run has too much', () => {
    const { queue } = heldUp();
    const executorRun = runKey('E', '1') as RunKey;
    const message: AgentEffect = {
      kind: 'send-to-executor',
      ...{ run: executorRun, executorRun },
      event: { type: 'MESSAGE', message: { data: '' } },
    };
    queue.add([{ kind: 'journal', run: executorRun, records: [] }]);

    for (let count = 0; count < 2 * MAX_WAITING; count += 1) queue.add([message]);

    expect(queue.countOf(executorRun)).toBe(MAX_WAITING);
    expect(queue.isFull(executorRun)).toBe(true);
    expect(queue.isFull(RUN)).toBe(false);
  });
});
