import { expect, it } from 'vitest';
import { agentId } from '#core';
import type { SchedulerHandlers } from '#framework';
import { EngineHarness } from './engine-harness.test-support.js';

async function connected() {
  const harness = new EngineHarness();
  const connect = harness.cluster.connect.bind(harness.cluster);
  let master: SchedulerHandlers | undefined;
  harness.cluster.connect = (handlers, ...rest) => {
    master = handlers;
    return connect(handlers, ...rest);
  };
  await harness.start();
  const say = async (data: string): Promise<void> => {
    await master?.onMessage?.({ agentId: agentId('agent-1'), executorId: 'executor-1', data });
    await harness.clock.advance(10);
  };
  const told = () => harness.events.filter(({ type }) => type === 'framework_message_event');
  return { harness, say, told };
}

it('tells what a custom executor says', async () => {
  const { say, told } = await connected();

  await say('aGVsbG8=');

  expect(told().map(({ payload }) => JSON.parse(payload))).toEqual([
    {
      eventType: 'framework_message_event',
      executorId: 'executor-1',
      slaveId: 'agent-1',
      message: 'aGVsbG8=',
      timestamp: expect.stringMatching(/Z$/),
    },
  ]);
});

it('leaves out what is too long, and what comes while the database is away', async () => {
  const { harness, say, told } = await connected();

  await say('a'.repeat(65_540));
  harness.leases.setAvailable(false);
  await say('bG9zdA==');
  harness.leases.setAvailable(true);
  await harness.clock.advance(10_000);
  await say('bGFzdA==');

  expect(told().map(({ payload }) => JSON.parse(payload).message)).toEqual(['bGFzdA==']);
  expect(harness.fatal).toEqual([]);
});
