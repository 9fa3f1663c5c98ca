import { describe, expect, it } from 'vitest';
import { BatchQueue, QueueFullError, SerialQueue } from './serial-queue.js';

/** A promise to resolve from outside. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe('SerialQueue', () => {
  it('runs one task at a time, in order, also after one that fails', async () => {
    const queue = new SerialQueue({ name: 'q', limit: 10 });
    const seen: string[] = [];
    const { opened, open } = gate();

    const first = queue.run(async () => {
      await opened;
      seen.push('first');
      throw new Error('broken');
    });
    const second = queue.run(async () => {
      seen.push('second');
      return 2;
    });
    open();

    await expect(first).rejects.toThrow('broken');
    expect(await second).toBe(2);
    expect(seen).toEqual(['first', 'second']);
    expect(queue.size).toBe(0);
  });

  it('refuses what is beyond its bound and runs nothing of it', async () => {
    const queue = new SerialQueue({ name: 'changes', limit: 1 });
    const { opened, open } = gate();
    let ran = false;

    const first = queue.run(() => opened);
    const refused = queue.run(async () => {
      ran = true;
    });

    await expect(refused).rejects.toBeInstanceOf(QueueFullError);
    await expect(refused).rejects.toThrow('changes: 1 requests are waiting already');
    open();
    await first;
    await queue.idle();
    expect(ran).toBe(false);
  });
});

describe('BatchQueue', () => {
  it('flushes together what came while a flush was under way', async () => {
    const batches: (readonly number[])[] = [];
    const { opened, open } = gate();
    const queue = new BatchQueue<number>({
      name: 'q',
      limit: 10,
      batch: 2,
      flush: async (items) => {
        batches.push(items);
        await opened;
      },
    });

    const all = [1, 2, 3, 4].map((item) => queue.add(item));
    open();
    await Promise.all(all);

    expect(batches).toEqual([[1], [2, 3], [4]]);
  });

  it('rejects the items of a flush that fails and no others', async () => {
    const queue = new BatchQueue<number>({
      name: 'q',
      limit: 10,
      batch: 10,
      flush: async (items) => {
        if (items.includes(1)) throw new Error('one');
      },
    });

    const results = await Promise.allSettled([queue.add(1), queue.add(2), queue.add(3)]);

    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });

  it('refuses what is beyond its bound', async () => {
    const { opened, open } = gate();
    const queue = new BatchQueue<number>({ name: 'q', limit: 1, batch: 1, flush: () => opened });

    const flushing = queue.add(1);
    const waiting = queue.add(2);

    await expect(queue.add(3)).rejects.toBeInstanceOf(QueueFullError);
    open();
    await Promise.all([flushing, waiting]);
  });
});
