import { describe, expect, it } from 'vitest';
import { createLaunchSlots } from './launch-slots.js';

describe('launch slots', () => {
  it('let only so many run at once, in order of arrival, failures included', async () => {
    const slots = createLaunchSlots({ name: 'launches', atOnce: 2, maxWaiting: 100 });
    const order: number[] = [];
    let [running, highest] = [0, 0];

    await Promise.allSettled(
      Array.from({ length: 20 }, async (_, index) => {
        await slots.run(async () => {
          order.push(index);
          running += 1;
          highest = Math.max(highest, running);
          await Promise.resolve();
          running -= 1;
          if (index % 3 === 0) throw new Error('failed');
        });
      }),
    );

    expect(highest).toBe(2);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('refuse more than may wait and name the limit', async () => {
    const slots = createLaunchSlots({ name: 'launches', atOnce: 1, maxWaiting: 1 });
    let open = (): void => undefined;
    const first = slots.run(async () => await new Promise<void>((resolve) => (open = resolve)));
    const second = slots.run(async () => undefined);

    await expect(slots.run(async () => undefined)).rejects.toThrow('the limit is 1');

    open();
    await Promise.all([first, second]);
  });
});
