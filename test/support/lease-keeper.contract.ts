import { describe, expect, it } from 'vitest';
import type { LeaseKeeper } from '#core';

/** What a keeper under test brings: itself, empty, and a way to let a lease run out. */
export interface LeaseKeeperSubject {
  readonly keeper: LeaseKeeper;
  readonly expire: () => Promise<void>;
}

/** What every {@link LeaseKeeper} must do. */
export function leaseKeeperContract(
  name: string,
  prepare: () => Promise<LeaseKeeperSubject>,
): void {
  const one = { scope: 'controller', holder: 'one', url: 'http://one' } as const;
  const two = { scope: 'controller', holder: 'two', url: 'http://two' } as const;

  describe(`${name}: leadership`, () => {
    it('gives the lease to the first who asks and says who has it to the second', async () => {
      const { keeper } = await prepare();

      const first = await keeper.acquire(one);
      const second = await keeper.acquire(two);

      expect(first).toEqual({ kind: 'held', lease: { ...one, epoch: 1 } });
      expect(second).toMatchObject({ kind: 'taken', by: { ...one, epoch: 1 } });
      expect(second.kind === 'taken' && second.expiresInMs).toBeGreaterThan(0);
    });

    it('keeps the epoch while the same holder asks again', async () => {
      const { keeper } = await prepare();

      await keeper.acquire(one);
      const again = await keeper.acquire(one);

      expect(again).toEqual({ kind: 'held', lease: { ...one, epoch: 1 } });
    });

    it('raises the epoch with each new holder', async () => {
      const { keeper, expire } = await prepare();

      await keeper.acquire(one);
      await expire();
      const taken = await keeper.acquire(two);
      await expire();
      const back = await keeper.acquire(one);

      expect(taken).toEqual({ kind: 'held', lease: { ...two, epoch: 2 } });
      expect(back).toEqual({ kind: 'held', lease: { ...one, epoch: 3 } });
    });

    it('lets the holder renew after the lease ran out, unless somebody took it', async () => {
      const { keeper, expire } = await prepare();
      const lease = { ...one, epoch: 1 };

      await keeper.acquire(one);
      await expire();
      const alone = await keeper.renew(lease);
      await expire();
      await keeper.acquire(two);
      const late = await keeper.renew(lease);

      expect([alone, late]).toEqual(['renewed', 'lost']);
    });

    it('is free at once when it was released', async () => {
      const { keeper } = await prepare();

      await keeper.acquire(one);
      await keeper.release({ ...one, epoch: 1 });
      const next = await keeper.acquire(two);

      expect(next).toMatchObject({ kind: 'held', lease: { epoch: 2 } });
    });

    it('gives one lease to one of many who ask at once', async () => {
      const { keeper, expire } = await prepare();

      await keeper.acquire(one);
      await expire();
      const answers = await Promise.all(
        ['a', 'b', 'c', 'd'].map((holder) => keeper.acquire({ ...two, holder })),
      );

      expect(answers.filter(({ kind }) => kind === 'held')).toHaveLength(1);
    });

    it('keeps the scopes apart', async () => {
      const { keeper } = await prepare();

      await keeper.acquire(one);
      const master = await keeper.acquire({ ...two, scope: 'master' });

      expect(master.kind).toBe('held');
    });
  });
}
