import type { AgentId, Now } from '#core';
import type { MatchableOffer } from '#matcher';
import type { WireAttribute } from '#mesos-v1';

/** Agents remembered at most; the one not offered for longest makes room. */
export const MAX_SEEN_AGENTS = 20_000;
/** Roles remembered per agent. */
const MAX_ROLES = 16;

/** An offer as its round left it: what was launched from it is gone. */
export interface KeptOffer {
  readonly offer: MatchableOffer;
  readonly attributes: readonly WireAttribute[];
  readonly seen: Now;
}

/** The last offer of each agent to each role. In memory only: after a restart they are seen anew. */
export class SeenOffers {
  /** The agent offered last comes last. */
  private readonly byAgent = new Map<AgentId, Map<string, KeptOffer>>();

  get agentCount(): number {
    return this.byAgent.size;
  }

  note(offer: MatchableOffer, attributes: readonly WireAttribute[], seen: Now): void {
    const { agentId, allocatedRole = '*' } = offer;
    const byRole = this.byAgent.get(agentId) ?? new Map<string, KeptOffer>();
    this.byAgent.delete(agentId);
    this.byAgent.set(agentId, byRole);
    byRole.delete(allocatedRole);
    byRole.set(allocatedRole, { offer, attributes, seen });
    dropOldest(byRole, MAX_ROLES);
    dropOldest(this.byAgent, MAX_SEEN_AGENTS);
  }

  /** The agent is lost. */
  forget(agent: AgentId): void {
    this.byAgent.delete(agent);
  }

  /** The last offer of the agent to this role, or else to any. */
  lastOf(agent: AgentId, role: string): KeptOffer | undefined {
    const byRole = this.byAgent.get(agent);
    return byRole?.get(role) ?? [...(byRole?.values() ?? [])].at(-1);
  }

  /** One offer of each agent as {@link lastOf} gives it, agents offered last first. O(agents). */
  newest(role: string, limit: number): readonly KeptOffer[] {
    const agents = [...this.byAgent.keys()].reverse().slice(0, limit);
    return agents.flatMap((agent) => this.lastOf(agent, role) ?? []);
  }

  /** All of them whatever their role, agents offered last first, at most `limit`. O(agents). */
  latest(limit: number): readonly KeptOffer[] {
    const found: KeptOffer[] = [];
    for (const agent of [...this.byAgent.keys()].reverse()) {
      if (found.length >= limit) break;
      found.push(...(this.byAgent.get(agent)?.values() ?? []));
    }
    return found.slice(0, limit);
  }
}

function dropOldest<Key>(map: Map<Key, unknown>, limit: number): void {
  if (map.size <= limit) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
