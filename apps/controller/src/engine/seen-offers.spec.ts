import { describe, expect, it } from 'vitest';
import { agentId, offerId, resources } from '#core';
import type { MatchableOffer } from '#matcher';
import { MAX_SEEN_AGENTS, SeenOffers } from './seen-offers.js';

const anOffer = (agent: string, id: string, allocatedRole?: string): MatchableOffer => ({
  id: offerId(id),
  agentId: agentId(agent),
  hostname: agent,
  attributes: {},
  pools: [{ role: '*', resources: resources({ cpus: 1 }) }],
  ...(allocatedRole === undefined ? {} : { allocatedRole }),
});

const NOW = { epochMs: 1_000, monoMs: 0 };

const idsOf = (seen: SeenOffers, role: string, limit = 10): readonly string[] =>
  seen.newest(role, limit).map(({ offer }) => offer.id);

describe('the offers seen last', () => {
  it('keep one of each agent, that to the app’s role before any other, newest agent first', () => {
    const seen = new SeenOffers();
    for (const [agent, id, role] of [
      ['a1', 'o1', 'dev'],
      ['a2', 'o2', '*'],
      ['a1', 'o3', 'dev'],
      ['a3', 'o4', 'dev'],
      ['a1', 'o5', '*'],
    ] as const) {
      seen.note(anOffer(agent, id, role), [], NOW);
    }

    expect(idsOf(seen, 'dev')).toEqual(['o3', 'o4', 'o2']);
    expect(idsOf(seen, '*', 2)).toEqual(['o5', 'o4']);
    expect(seen.agentCount).toBe(3);
  });

  it('forget an agent that is lost', () => {
    const seen = new SeenOffers();
    seen.note(anOffer('a1', 'o1'), [], NOW);

    seen.forget(agentId('a1'));

    expect(seen.lastOf(agentId('a1'), '*')).toBeUndefined();
    expect(idsOf(seen, '*')).toEqual([]);
  });

  it('are bounded: the agent not offered for longest makes room, and so does the role', () => {
    const seen = new SeenOffers();
    for (let n = 0; n < MAX_SEEN_AGENTS + 5; n += 1) seen.note(anOffer(`a${n}`, `o${n}`), [], NOW);
    for (let n = 0; n < 100; n += 1) seen.note(anOffer('a9', `r${n}`, `role-${n}`), [], NOW);

    expect(seen.agentCount).toBe(MAX_SEEN_AGENTS);
    expect(seen.lastOf(agentId('a4'), '*')).toBeUndefined();
    expect(seen.lastOf(agentId('a9'), 'role-99')?.offer.id).toBe('r99');
    expect(seen.lastOf(agentId('a9'), 'role-0')?.offer.id).toBe('r99');
  });
});
