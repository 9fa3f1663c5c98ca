import { describe, expect, it } from 'vitest';
import { FakeLeaseKeeper } from '../../../../test/support/fake-lease-keeper.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { LeadershipLoop } from './leadership-loop.js';

function aLoop(
  clock: VirtualClock,
  keeper: FakeLeaseKeeper,
  holder: string,
  isPredecessor = (_: string) => false,
) {
  const elected: number[] = [];
  const lost: string[] = [];
  const loop = new LeadershipLoop({
    keeper,
    clock,
    holder,
    url: `http://${holder}`,
    isPredecessor,
    onElected: async (lease) => {
      elected.push(lease.epoch);
    },
    onLost: (error) => lost.push(error.message),
  });
  return { loop, elected, lost };
}

describe('LeadershipLoop', () => {
  it('leads when nobody does and keeps the lease by renewing it', async () => {
    const clock = new VirtualClock();
    const keeper = new FakeLeaseKeeper(() => clock.now());
    const first = aLoop(clock, keeper, 'a');
    const second = aLoop(clock, keeper, 'b');

    first.loop.start();
    await clock.advance(10);
    second.loop.start();
    await clock.advance(60_000);

    expect(first.elected).toEqual([1]);
    expect(second.elected).toEqual([]);
    expect(second.loop.state).toMatchObject({ kind: 'standby', leader: { holder: 'a' } });
    expect(first.lost).toEqual([]);
  });

  it('hands over at once when stopped', async () => {
    const clock = new VirtualClock();
    const keeper = new FakeLeaseKeeper(() => clock.now());
    const first = aLoop(clock, keeper, 'a');
    const second = aLoop(clock, keeper, 'b');
    first.loop.start();
    await clock.advance(10);
    second.loop.start();
    await clock.advance(10);

    await first.loop.stop();
    await clock.advance(1_000);

    expect(second.elected).toEqual([2]);
  });

  it('stops although the database does not answer, and renews no more', async () => {
    const clock = new VirtualClock();
    const keeper = new FakeLeaseKeeper(() => clock.now());
    const first = aLoop(clock, keeper, 'a');
    const second = aLoop(clock, keeper, 'b');
    first.loop.start();
    await clock.advance(10);
    second.loop.start();
    await clock.advance(10);
    keeper.release = () => new Promise(() => undefined);

    let isStopped = false;
    void first.loop.stop().then(() => {
      isStopped = true;
    });
    await clock.advance(5_000);

    expect(isStopped).toBe(true);
    expect(second.elected).toEqual([2]);
  });

  it('does not wait for the lease of a holder whose place it has taken', async () => {
    const clock = new VirtualClock();
    const keeper = new FakeLeaseKeeper(() => clock.now());
    const killed = aLoop(clock, keeper, 'here/1');
    const next = aLoop(clock, keeper, 'here/2', (holder) => holder.startsWith('here/'));
    killed.loop.start();
    await clock.advance(10);

    next.loop.start();
    await clock.advance(10);
    expect(next.elected).toEqual([2]);
    await clock.advance(1_000);

    expect(killed.lost).toHaveLength(1);
  });

  it('survives a database outage with the same epoch', async () => {
    const clock = new VirtualClock();
    const keeper = new FakeLeaseKeeper(() => clock.now());
    const first = aLoop(clock, keeper, 'a');
    first.loop.start();
    await clock.advance(10);

    keeper.setAvailable(false);
    await clock.advance(30_000);
    keeper.setAvailable(true);
    await clock.advance(2_000);

    expect(first.elected).toEqual([1]);
    expect(first.lost).toEqual([]);
    expect(first.loop.state.kind).toBe('leading');
  });

  it('says that it is lost when another epoch stands', async () => {
    const clock = new VirtualClock();
    const keeper = new FakeLeaseKeeper(() => clock.now());
    const first = aLoop(clock, keeper, 'a');
    first.loop.start();
    await clock.advance(10);

    // The holder is frozen: no renewal arrives until another has taken the lease.
    keeper.setAvailable(false);
    await clock.advance(10_000);
    keeper.setAvailable(true);
    await keeper.acquire({ scope: 'controller', holder: 'b', url: 'http://b' });
    await clock.advance(2_000);

    expect(first.lost).toHaveLength(1);
  });
});
