import { describe, expect, it } from 'vitest';
import { type FrameworkRecord, frameworkId, type Lease } from '#core';
import { FakeLeaseKeeper } from '../../../../test/support/fake-lease-keeper.js';
import { FakeMasterRegistry } from '../../../../test/support/fake-master-registry.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import { type RegistryCommit, RegistryWriter } from './registry-writer.js';

const framework = (id: string): FrameworkRecord => ({
  id: frameworkId(id),
  info: {},
  state: 'registered',
  sinceEpochMs: 1,
});

async function setUp() {
  const clock = new VirtualClock();
  const leases = new FakeLeaseKeeper(() => clock.now());
  const registry = new FakeMasterRegistry(leases);
  const outcome = await leases.acquire({ scope: 'master', holder: 'one', url: '' });
  if (outcome.kind !== 'held') throw new Error('the lease must be free');
  const lease: Lease = outcome.lease;
  const told: string[] = [];
  const failures: Error[] = [];
  const writer = new RegistryWriter({
    registry,
    lease,
    clock,
    onFatal: (error) => failures.push(error),
  });
  const commit = (id: string): RegistryCommit => ({
    changes: [{ kind: 'put-framework', framework: framework(id) }],
    onStored: () => told.push(`${id} stored`),
    onRefused: () => told.push(`${id} refused`),
  });
  const stored = async () => (await registry.load(lease, '')).frameworks.map(({ id }) => id);
  return { clock, leases, writer, commit, told, failures, stored };
}

describe('RegistryWriter', () => {
  it('refuses the one commit the database does not take, and stores its neighbours in order', async () => {
    const { clock, writer, commit, told, failures, stored } = await setUp();

    for (const id of ['a', 'b', 'nul\0', 'c', 'd']) writer.add(commit(id));
    await clock.advance(1);

    expect(told).toEqual(['a stored', 'b stored', 'nul\0 refused', 'c stored', 'd stored']);
    expect(await stored()).toEqual(['a', 'b', 'c', 'd']);
    expect(failures).toEqual([]);
  });

  it('still finds the culprit when the database goes away meanwhile', async () => {
    const { clock, leases, writer, commit, told, failures } = await setUp();
    leases.setAvailable(false);

    for (const id of ['a', 'nul\0', 'b']) writer.add(commit(id));
    await clock.advance(1_200);
    leases.setAvailable(true);
    await clock.advance(1_000);

    expect(told).toEqual(['a stored', 'nul\0 refused', 'b stored']);
    expect(failures).toEqual([]);
  });
});
