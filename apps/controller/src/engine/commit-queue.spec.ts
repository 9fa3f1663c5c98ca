import { describe, expect, it } from 'vitest';
import { type ControllerStore, FencedError, type Lease, StoreUnavailableError } from '#core';
import { FakeControllerStore } from '../../../../test/support/fake-controller-store.js';
import { FakeLeaseKeeper } from '../../../../test/support/fake-lease-keeper.js';
import { anEvent } from '../../../../test/support/store-fixtures.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { CommitQueue, EngineStoppedError, type Job } from './commit-queue.js';
import { CommittedState } from './committed-state.js';

async function acquire(keeper: FakeLeaseKeeper, holder: string): Promise<Lease> {
  const outcome = await keeper.acquire({ scope: 'controller', holder, url: '' });
  if (outcome.kind !== 'held') throw new Error('the lease must be free');
  return outcome.lease;
}

/** A queue over a fake store; `commit` takes the place of the store's own. */
async function aQueue(commit?: ControllerStore['commit']) {
  const clock = new VirtualClock();
  const keeper = new FakeLeaseKeeper(() => clock.now());
  const store = new FakeControllerStore(keeper);
  if (commit !== undefined) store.commit = commit;
  const fatal: Error[] = [];
  const sent: string[] = [];
  const state = CommittedState.from(await store.load());
  const queue = new CommitQueue({
    store,
    lease: await acquire(keeper, 'one'),
    clock,
    state,
    maxWaiting: 10,
    maxJobsPerCommit: 10,
    onCommitted: (_, { events }) => sent.push(...events.map(({ type }) => type)),
    onAbandoned: () => undefined,
    onFatal: (error) => fatal.push(error),
    onStoreAway: () => undefined,
  });
  return { clock, keeper, store, queue, state, fatal, sent };
}

const disconnection = (whenUnavailable: Job<void>['whenUnavailable']): Job<void> => ({
  whenUnavailable,
  run: (draft) => draft.emit({ eventType: 'scheduler_disconnected_event' }),
});

/** What became of a promise so far. */
function watch(promise: Promise<unknown>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: 'pending' };
  promise.then(
    () => {
      watched.outcome = 'durable';
    },
    (error: unknown) => {
      watched.outcome = error;
    },
  );
  return watched;
}

describe('a transaction whose connection broke', () => {
  it('counts as stored when the database carries it out after all, however late', async () => {
    const { clock, queue, store, state, sent } = await aQueue();
    const { finish } = store.breakNextCommit();
    const first = watch(queue.submit(disconnection('retry')));
    await clock.advance(10_000);
    const before = first.outcome;

    finish();
    await clock.advance(10_000);
    await queue.submit(disconnection('reject'));

    expect([before, first.outcome]).toEqual(['pending', 'durable']);
    expect((await store.listEvents(0, 10)).events.map(({ id }) => id)).toEqual([1, 2]);
    expect(state.lastEventId).toBe(2);
    expect(sent).toHaveLength(2);
  });

  it('does not take what its successor has stored for its own', async () => {
    const { clock, keeper, queue, store, fatal } = await aQueue();
    keeper.setAvailable(false);
    const first = watch(queue.submit(disconnection('retry')));

    await clock.advance(10_000);
    keeper.setAvailable(true);
    await store.commit(await acquire(keeper, 'two'), [
      { kind: 'append-events', events: [anEvent(1)] },
    ]);
    await clock.advance(10_000);

    expect(first.outcome).toBeInstanceOf(FencedError);
    expect(fatal).toMatchObject([expect.any(FencedError)]);
  });
});

describe('a queue that is closed', () => {
  it('says that a transaction under way is durable, and sends nothing of it', async () => {
    let finish: () => void = () => undefined;
    const { clock, queue, sent } = await aQueue(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    const first = watch(queue.submit(disconnection('reject')));
    await clock.advance(10);

    queue.close();
    const second = watch(queue.submit(disconnection('reject')));
    await clock.advance(10);
    expect(first.outcome).toBe('pending');
    finish();
    await clock.advance(10);

    expect(first.outcome).toBe('durable');
    expect(second.outcome).toBeInstanceOf(EngineStoppedError);
    expect(sent).toEqual([]);
  });

  it('lets nobody wait for a store that is away', async () => {
    const { clock, keeper, queue } = await aQueue();
    keeper.setAvailable(false);
    const inDoubt = watch(queue.submit(disconnection('retry')));
    await clock.advance(1_000);
    const waiting = watch(queue.submit(disconnection('retry')));

    queue.close();
    await clock.advance(0);

    expect(inDoubt.outcome).toBeInstanceOf(EngineStoppedError);
    expect(waiting.outcome).toBeInstanceOf(EngineStoppedError);
  });

  it('lets nobody wait for a store that does not answer', async () => {
    const { clock, queue } = await aQueue(() => new Promise(() => undefined));
    const first = watch(queue.submit(disconnection('retry')));
    await clock.advance(10);

    queue.close();
    await clock.advance(10_000);

    expect(first.outcome).toBeInstanceOf(EngineStoppedError);
  });
});

describe('a store that hangs', () => {
  it('is away for requests, and what was under way is settled by its answer', async () => {
    let finish: () => void = () => undefined;
    const { clock, queue, sent } = await aQueue(
      () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    );
    const news = watch(queue.submit(disconnection('retry')));
    const request = watch(queue.submit(disconnection('reject')));
    await clock.advance(10_000);
    const late = watch(queue.submit(disconnection('reject')));
    await clock.advance(0);
    const during = [news.outcome, queue.isStoreAway];

    finish();
    await clock.advance(10);

    expect(request.outcome).toBeInstanceOf(StoreUnavailableError);
    expect(late.outcome).toBeInstanceOf(StoreUnavailableError);
    expect(during).toEqual(['pending', true]);
    expect([news.outcome, queue.isStoreAway]).toEqual(['durable', false]);
    expect(sent).toHaveLength(2);
  });
});
