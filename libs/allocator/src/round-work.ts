import type { AgentEntry } from './agent-pool.js';
import type { Client } from './clients.js';

/** Who may have become eligible for an agent since it was last looked at. */
export type Candidates = 'everybody' | Client | Set<Client>;

/** With more candidates than this for one agent, walking everybody in order is cheaper than comparing them. */
const MAX_NAMED = 8;

/**
 * What changed since it was last looked at: agents (for everybody), clients (all free agents), or pairs of them. The
 * next round looks at this and nothing else. Owns and mutates its state.
 */
export class RoundWork {
  private readonly pending = new Map<AgentEntry, Candidates>();
  private readonly changedClients = new Set<Client>();
  /** Pending agents that have been looked at for unmet guarantees. */
  private readonly guaranteesDone = new Set<AgentEntry>();

  get isEmpty(): boolean {
    return this.pending.size === 0 && this.changedClients.size === 0;
  }

  /** An agent has more to give than before. */
  agentChanged(agent: AgentEntry): void {
    this.guaranteesDone.delete(agent);
    this.pending.set(agent, 'everybody');
  }

  /** A client takes more than before. */
  clientChanged(client: Client): void {
    this.changedClients.add(client);
  }

  /** A refusal of one client on one agent is over. */
  pairChanged(agent: AgentEntry, client: Client): void {
    this.guaranteesDone.delete(agent);
    this.pending.set(agent, join(this.pending.get(agent), client));
  }

  forgetClient(client: Client): void {
    this.changedClients.delete(client);
  }

  forgetAgent(agent: AgentEntry): void {
    this.pending.delete(agent);
    this.guaranteesDone.delete(agent);
  }

  /** Changed clients are candidates for all free agents. O(free agents), if there are such clients. */
  begin(freeAgents: Iterable<AgentEntry>): void {
    if (this.changedClients.size === 0) return;
    const clients = this.changedClients.size > MAX_NAMED ? undefined : [...this.changedClients];
    this.changedClients.clear();
    for (const agent of freeAgents) {
      if (clients === undefined) this.agentChanged(agent);
      else for (const client of clients) this.pairChanged(agent, client);
    }
  }

  /** Agents to look at, in the order in which they changed; may change while iterated. */
  agents(): IterableIterator<AgentEntry> {
    return this.pending.keys();
  }

  candidatesFor(agent: AgentEntry): Candidates {
    return this.pending.get(agent) ?? 'everybody';
  }

  isGuaranteeDone(agent: AgentEntry): boolean {
    return this.guaranteesDone.has(agent);
  }

  guaranteeDone(agent: AgentEntry): void {
    this.guaranteesDone.add(agent);
  }

  done(agent: AgentEntry): void {
    this.forgetAgent(agent);
  }
}

function join(candidates: Candidates | undefined, client: Client): Candidates {
  if (candidates === undefined || candidates === client) return client;
  if (candidates === 'everybody') return candidates;
  if (!(candidates instanceof Set)) return new Set([candidates, client]);
  if (candidates.size === MAX_NAMED && !candidates.has(client)) return 'everybody';
  return candidates.add(client);
}
