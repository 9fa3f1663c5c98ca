import { describe, expect, it } from 'vitest';
import {
  agentId,
  FencedError,
  frameworkId,
  type Lease,
  type MasterRegistry,
  StoreRefusedError,
} from '#core';

/** A registry under test, empty, with a lease that stands and a way to have it taken by another. */
export interface MasterRegistrySubject {
  readonly registry: MasterRegistry;
  readonly lease: Lease;
  readonly depose: () => Promise<void>;
}

/** What every {@link MasterRegistry} must do. */
export function masterRegistryContract(
  name: string,
  prepare: () => Promise<MasterRegistrySubject>,
): void {
  const agent = {
    id: agentId('m-S0'),
    state: 'admitted',
    hostname: 'host-a',
    info: { hostname: 'host-a', note: 'nul \u0000 and half a pair \ud800' },
    sinceEpochMs: 5,
  } as const;
  const framework = {
    id: frameworkId('m-0000'),
    info: { name: 'f', user: 'u' },
    state: 'registered',
    sinceEpochMs: 7,
  } as const;

  describe(`${name}: the master's registry`, () => {
    it('keeps the id it was first given', async () => {
      const { registry, lease } = await prepare();

      const first = await registry.load(lease, 'id-1');
      const second = await registry.load(lease, 'id-2');

      expect(first).toEqual({ masterId: 'id-1', agents: [], frameworks: [] });
      expect(second.masterId).toBe('id-1');
    });

    it('gives back what was committed, the last word on each', async () => {
      const { registry, lease } = await prepare();

      await registry.commit(lease, [
        { kind: 'put-agent', agent },
        { kind: 'put-agent', agent: { ...agent, id: agentId('m-S1') } },
        { kind: 'put-agent', agent: { ...agent, state: 'unreachable' } },
        { kind: 'put-framework', framework: { ...framework, failoverDeadlineEpochMs: 9 } },
      ]);
      await registry.commit(lease, [
        { kind: 'remove-agent', id: agentId('m-S1') },
        { kind: 'put-framework', framework },
      ]);
      const { agents, frameworks } = await registry.load(lease, 'id');

      expect(agents).toEqual([{ ...agent, state: 'unreachable' }]);
      expect(frameworks).toEqual([framework]);
    });

    it.each([
      ['a NUL in an id', { ...framework, id: frameworkId('nul \u0000') }],
      ['a deadline beyond 64 bits', { ...framework, failoverDeadlineEpochMs: 1e20 }],
    ])('refuses %s, and writes nothing of it', async (_what, unstorable) => {
      const { registry, lease } = await prepare();

      const write = registry.commit(lease, [
        { kind: 'put-agent', agent },
        { kind: 'put-framework', framework: unstorable },
      ]);

      await expect(write).rejects.toBeInstanceOf(StoreRefusedError);
      const { agents, frameworks } = await registry.load(lease, 'id');
      expect([...agents, ...frameworks]).toEqual([]);
    });

    it('writes nothing under an epoch that no longer stands', async () => {
      const { registry, lease, depose } = await prepare();
      await depose();

      const write = registry.commit(lease, [{ kind: 'put-agent', agent }]);

      await expect(write).rejects.toBeInstanceOf(FencedError);
      await expect(registry.load(lease, 'x')).rejects.toBeInstanceOf(FencedError);
    });
  });
}
