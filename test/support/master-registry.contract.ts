import { describe, expect, it } from 'vitest';
import {
  agentId,
  FencedError,
  frameworkId,
  type Lease,
  type MasterRegistry,
  NO_MAINTENANCE,
  roleName,
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

      expect(first).toEqual({
        masterId: 'id-1',
        agents: [],
        activations: new Map(),
        frameworks: [],
        weights: new Map(),
        quotas: [],
        maintenance: NO_MAINTENANCE,
      });
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

    it('keeps what operators decided about agents, whatever is written of the agents', async () => {
      const { registry, lease } = await prepare();
      const drain = {
        state: 'DRAINING',
        maxGraceMs: 1_500,
        isMarkedGone: true,
        startedEpochMs: 9,
      } as const;
      const [first, second, third] = ['m-S0', 'm-S1', 'm-S2'].map(agentId);
      if (first === undefined || second === undefined || third === undefined) return;

      await registry.commit(lease, [
        { kind: 'put-activation', id: first, activation: { isDeactivated: true } },
        { kind: 'put-activation', id: first, activation: { isDeactivated: true, drain } },
        { kind: 'put-activation', id: second, activation: { isDeactivated: true } },
        { kind: 'put-activation', id: third, activation: { isDeactivated: true } },
      ]);
      await registry.commit(lease, [
        { kind: 'put-agent', agent },
        { kind: 'put-activation', id: second },
        { kind: 'remove-agent', id: third },
      ]);
      const { activations } = await registry.load(lease, 'id');

      expect([...activations]).toEqual([[first, { isDeactivated: true, drain }]]);
    });

    it('keeps weights, quota and the maintenance schedule', async () => {
      const { registry, lease } = await prepare();
      const [eng, ads] = [roleName('eng'), roleName('ads/video')];
      const quota = { role: eng, guarantees: { cpus: 1_500 }, limits: {} };
      const maintenance = {
        windows: [{ machines: [{ hostname: 'a', ip: '10.0.0.1' }], startNanos: 1.7e18 }],
        downMachines: [{ hostname: 'a' }],
      };

      await registry.commit(lease, [
        { kind: 'put-weight', role: eng, weight: 2.5 },
        { kind: 'put-weight', role: ads, weight: 3 },
        { kind: 'put-quota', quota: { ...quota, limits: { mem: 1 } } },
        { kind: 'put-quota', quota: { ...quota, role: ads } },
        { kind: 'put-maintenance', maintenance },
      ]);
      await registry.commit(lease, [
        { kind: 'put-weight', role: ads },
        { kind: 'remove-quota', role: ads },
        { kind: 'put-quota', quota },
      ]);
      const stored = await registry.load(lease, 'id');

      expect([...stored.weights]).toEqual([[eng, 2.5]]);
      expect(stored.quotas).toEqual([quota]);
      expect(stored.maintenance).toEqual(maintenance);
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
