import { describe, expect, it } from 'vitest';
import { FakeLeaseKeeper } from '../../../../test/support/fake-lease-keeper.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { LET_GO_MS, Leadership } from './leadership.js';

function createMasters() {
  const clock = new VirtualClock();
  const leases = new FakeLeaseKeeper(() => clock.now());
  const told: string[] = [];
  const start = (name: string, keeper = leases, ownClock = clock): Leadership => {
    const leadership = new Leadership({
      keeper,
      clock: ownClock,
      holder: name,
      url: `http://${name}:5050`,
      onElected: async () => void told.push(`${name} elected`),
      onLost: () => void told.push(`${name} lost`),
      onIsolated: () => void told.push(`${name} isolated`),
      note: () => undefined,
    });
    leadership.start();
    return leadership;
  };
  return { clock, leases, told, start };
}

describe('Leadership', () => {
  it('lets go of those connected once the database has been away for long, once', async () => {
    const { clock, leases, told, start } = createMasters();
    const master = start('a');
    await clock.advance(0);
    leases.setAvailable(false);

    await clock.advance(LET_GO_MS - 1);
    expect(told).toEqual(['a elected']);
    expect(master.isWritable).toBe(false);
    await clock.advance(5 * LET_GO_MS);

    expect(told).toEqual(['a elected', 'a isolated']);
  });

  it('does so again the next time the database is away, and not for a short while of it', async () => {
    const { clock, leases, told, start } = createMasters();
    start('a');
    for (const awayMs of [LET_GO_MS + 1_000, LET_GO_MS - 2_000, LET_GO_MS + 1_000]) {
      leases.setAvailable(true);
      await clock.advance(5_000);
      leases.setAvailable(false);
      await clock.advance(awayMs);
    }

    expect(told.filter((text) => text === 'a isolated')).toHaveLength(2);
  });

  it('lets go though a renewal is neither answered nor refused', async () => {
    const { clock, leases, told, start } = createMasters();
    let isHanging = false;
    const hanging = Object.assign(Object.create(leases) as FakeLeaseKeeper, {
      renew: (lease: Parameters<FakeLeaseKeeper['renew']>[0]) =>
        isHanging ? new Promise<never>(() => undefined) : leases.renew(lease),
    });
    start('a', hanging);
    await clock.advance(0);
    isHanging = true;

    await clock.advance(LET_GO_MS + 1_000);

    expect(told).toEqual(['a elected', 'a isolated']);
  });

  it('is lost, and lets nobody go, when it wakes up after another was elected', async () => {
    const { clock, leases, told, start } = createMasters();
    const clockOfFrozen = new VirtualClock();
    start('frozen', leases, clockOfFrozen);
    await clockOfFrozen.advance(0);
    start('other');
    await clock.advance(5_000);

    clockOfFrozen.freeze(5_000);
    await clockOfFrozen.advance(1_000);

    expect(told).toEqual(['frozen elected', 'other elected', 'frozen lost']);
  });

  it('waits for the database to come back, and no longer than it may', async () => {
    const { clock, leases, start } = createMasters();
    const master = start('a');
    await clock.advance(0);
    leases.setAvailable(false);
    await clock.advance(4_000);
    const waited: string[] = [];
    const wait = async (name: string, limitMs: number) => {
      await master.writable(limitMs);
      waited.push(`${name} ${master.isWritable}`);
    };

    void wait('short', 100);
    void wait('long', 60_000);
    await clock.advance(200);
    leases.setAvailable(true);
    await clock.advance(2_000);

    expect(waited).toEqual(['short false', 'long true']);
  });
});
