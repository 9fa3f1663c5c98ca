import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../test/support/virtual-clock.js';
import { RECONCILE_BATCH, Reconciler } from './reconciler.js';
import { SchedulerCallError } from './scheduler-driver.js';

function start(taskIds: readonly string[], ask?: () => Promise<void>) {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const asked: { readonly atMs: number; readonly ids: readonly string[] }[] = [];
  const reconciler = new Reconciler({
    intervalMs: 100_000,
    tasks: async () => taskIds.map((taskId) => ({ taskId, agentId: 'a' })),
    clock,
    random: () => 1,
    signal: abort.signal,
    ask: async (tasks) => {
      asked.push({ atMs: clock.now().monoMs, ids: tasks.map(({ task_id }) => task_id.value) });
      await ask?.();
    },
  });
  void reconciler.run();
  return { clock, reconciler, asked, stop: () => abort.abort() };
}

describe('Reconciler', () => {
  it('asks about its own tasks, then about all, now and every interval', async () => {
    const { clock, reconciler, asked, stop } = start(['t']);
    await clock.advance(0);
    reconciler.answered('t');

    await clock.advance(100_000);
    stop();

    expect(asked).toEqual([
      { atMs: 0, ids: ['t'] },
      { atMs: 0, ids: [] },
      { atMs: 100_000, ids: ['t'] },
      { atMs: 100_000, ids: [] },
    ]);
  });

  it('repeats what is not answered, ever less often, and nothing that is', async () => {
    const { clock, reconciler, asked, stop } = start(['silent', 'known']);
    await clock.advance(0);
    reconciler.answered('known');

    await clock.advance(99_999);
    stop();

    const repeats = asked.slice(2);
    expect(repeats.map(({ atMs }) => atMs)).toEqual([2_000, 6_000, 14_000, 30_000, 62_000]);
    expect(new Set(repeats.flatMap(({ ids }) => ids))).toEqual(new Set(['silent']));
  });

  it('asks about many tasks in several calls', async () => {
    const { clock, asked, stop } = start(
      Array.from({ length: RECONCILE_BATCH + 1 }, (_, index) => `t${index}`),
    );

    await clock.advance(0);
    stop();

    expect(asked.map(({ ids }) => ids.length)).toEqual([RECONCILE_BATCH, 1, 0]);
  });

  it('goes on when the master refuses a round', async () => {
    const { clock, asked, stop } = start(['t'], () =>
      Promise.reject(new SchedulerCallError('UNAVAILABLE', 'no')),
    );

    await clock.advance(2_000);
    stop();

    expect(asked).toHaveLength(3);
  });
});
