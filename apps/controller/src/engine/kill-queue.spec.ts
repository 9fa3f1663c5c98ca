import { expect, it } from 'vitest';
import { instanceId } from '#core';
import { anInstance } from '../../../../test/support/store-fixtures.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { DEFAULT_ENGINE_OPTIONS } from './engine-ports.js';
import { KillQueue } from './kill-queue.js';

function arrange(maxInFlight = 2) {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const queue = new KillQueue({
    ...{ clock, maxInFlight, retryMs: DEFAULT_ENGINE_OPTIONS.killRetryMs },
    send: ({ id }) => sent.push(`${clock.now().monoMs / 1_000} ${id}`),
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await clock.advance(1_000);
      queue.pump();
    }
  };
  return { queue, sent, pass };
}

it('asks again until the task has ended, with waits that double up to a minute', async () => {
  const { queue, sent, pass } = arrange();

  queue.request(anInstance('a'));
  queue.request(anInstance('a'));
  await pass(200);
  queue.settle(instanceId('a'));
  await pass(200);

  expect(sent).toEqual(['0 a', '10 a', '30 a', '70 a', '130 a', '190 a']);
});

it('asks for a bounded number at once, and for the next when one has ended', async () => {
  const { queue, sent, pass } = arrange();

  for (const id of ['a', 'b', 'c', 'd']) queue.request(anInstance(id));
  expect(sent).toEqual(['0 a', '0 b']);
  await pass(1);
  queue.settle(instanceId('b'));

  expect(sent).toEqual(['0 a', '0 b', '1 c']);
  expect(queue.size).toBe(3);
});

it('asks for everything again at once on a new connection', () => {
  const { queue, sent } = arrange();

  for (const id of ['a', 'b']) queue.request(anInstance(id));
  queue.resend();

  expect(sent).toEqual(['0 a', '0 b', '0 a', '0 b']);
});
