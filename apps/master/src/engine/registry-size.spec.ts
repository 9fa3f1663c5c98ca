import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agentId,
  frameworkId,
  NO_MAINTENANCE,
  type RegistryChange,
  type RegistrySnapshot,
  roleName,
} from '#core';
import { RegistrySize } from './registry-size.js';

const EMPTY: RegistrySnapshot = {
  masterId: 'm',
  agents: [],
  activations: new Map(),
  frameworks: [],
  weights: new Map(),
  quotas: [],
  maintenance: NO_MAINTENANCE,
};

const id = fc.constantFrom('a', 'b').map(agentId);
const role = fc.constantFrom('x', 'y').map(roleName);
const words = fc.string({ maxLength: 20 });
const change: fc.Arbitrary<RegistryChange> = fc.oneof(
  fc.record({ id, hostname: words }).map(({ id: agent, hostname }) => ({
    kind: 'put-agent' as const,
    agent: { id: agent, state: 'admitted' as const, hostname, info: {}, sinceEpochMs: 1 },
  })),
  id.map((agent) => ({ kind: 'remove-agent' as const, id: agent })),
  fc.record({ id, isSet: fc.boolean() }).map(({ id: agent, isSet }) => ({
    kind: 'put-activation' as const,
    id: agent,
    ...(isSet ? { activation: { isDeactivated: true } } : {}),
  })),
  words.map((name) => ({
    kind: 'put-framework' as const,
    framework: {
      id: frameworkId('f'),
      info: { name },
      state: 'registered' as const,
      sinceEpochMs: 1,
    },
  })),
  fc.record({ role, weight: fc.option(fc.nat(9), { nil: undefined }) }).map((given) => ({
    kind: 'put-weight' as const,
    role: given.role,
    ...(given.weight === undefined ? {} : { weight: given.weight }),
  })),
  role.map((name) => ({
    kind: 'put-quota' as const,
    quota: { role: name, guarantees: { cpus: 1 }, limits: {} },
  })),
  role.map((name) => ({ kind: 'remove-quota' as const, role: name })),
);

describe('the size of the registry', () => {
  it('is the bytes of what is stored, however it came to be', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const size = new RegistrySize(EMPTY);
        for (const each of changes) size.apply(each);

        expect(size.bytes).toBe(sizeOf(changes));
      }),
    );
  });

  it('counts what is there at the start, in UTF-8', () => {
    const agent = {
      id: agentId('ä'),
      state: 'gone' as const,
      hostname: 'h',
      info: {},
      sinceEpochMs: 1,
    };

    const grown =
      new RegistrySize({ ...EMPTY, agents: [agent] }).bytes - new RegistrySize(EMPTY).bytes;

    expect(grown).toBe(Buffer.byteLength(JSON.stringify(agent)));
  });
});

/** What is left of the changes, looked up one by one. */
function sizeOf(changes: readonly RegistryChange[]): number {
  const records = new Map<string, unknown>([['maintenance', NO_MAINTENANCE]]);
  for (const each of changes) {
    if (each.kind === 'put-agent') records.set(`a${each.agent.id}`, each.agent);
    else if (each.kind === 'remove-agent') {
      records.delete(`a${each.id}`);
      records.delete(`v${each.id}`);
    } else if (each.kind === 'put-activation') records.set(`v${each.id}`, each.activation);
    else if (each.kind === 'put-framework') records.set(`f${each.framework.id}`, each.framework);
    else if (each.kind === 'put-weight') records.set(`w${each.role}`, each.weight);
    else if (each.kind === 'put-quota') records.set(`q${each.quota.role}`, each.quota);
    else if (each.kind === 'remove-quota') records.delete(`q${each.role}`);
  }
  return [...records.values()]
    .filter((record) => record !== undefined)
    .reduce<number>((sum, record) => sum + Buffer.byteLength(JSON.stringify(record)), 0);
}
