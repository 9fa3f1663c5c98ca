import { expect, it } from 'vitest';
import { FencedError, type Lease } from '#core';
import { FakeControllerStore } from '../../../../test/support/fake-controller-store.js';
import { FakeLeaseKeeper } from '../../../../test/support/fake-lease-keeper.js';
import { anEvent } from '../../../../test/support/store-fixtures.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { CommitQueue } from './commit-queue.js';
import { CommittedState } from './committed-state.js';

async function acquire(keeper: FakeLeaseKeeper, holder: string): Promise<Lease> {
  const outcome = await keeper.acquire({ scope: 'controller', holder, url: '' });
  if (outcome.kind !== 'held') throw new Error('the lease must be free');
  return outcome.lease;
}

it('does not take what its successor has stored for its own transaction', async () => {
  const clock = new VirtualClock();
  const keeper = new FakeLeaseKeeper(() => clock.now());
  const store = new FakeControllerStore(keeper);
  const fatal: Error[] = [];
  const queue = new CommitQueue({
    store,
    lease: await acquire(keeper, 'one'),
    clock,
    state: CommittedState.from(await store.load()),
    maxWaiting: 10,
    maxJobsPerCommit: 10,
    onCommitted: () => undefined,
    onAbandoned: () => undefined,
    onFatal: (error) => fatal.push(error),
    onStoreAway: () => undefined,
  });
  let isDurable = false;
  keeper.setAvailable(false);
  queue
    .submit({
      whenUnavailable: 'retry',
      run: (draft) => draft.emit({ eventType: 'scheduler_disconnected_event' }),
    })
    .then(
      () => {
        isDurable = true;
      },
      () => undefined,
    );
  await clock.advance(10);

  await clock.advance(10_000);
  keeper.setAvailable(true);
  await store.commit(await acquire(keeper, 'two'), [
    { kind: 'append-events', events: [anEvent(1)] },
  ]);
  await clock.advance(10_000);

  expect(isDurable).toBe(false);
  expect(fatal).toMatchObject([expect.any(FencedError)]);
});
