import { type Resources, selectResources, traitsOfKey } from '#core';
import type { AgentEntry } from './agent-pool.js';
import type { Audience, Client } from './clients.js';
import { isWithin } from './eligibility.js';
import { meets, type Quantities, quantityOf } from './quantities.js';
import { isPlainKey, type QuotaLedger } from './quota-ledger.js';

/** So often a client is passed over because an agent has too little free, before one is kept for it. */
export const STARVING_AFTER_LOSSES = 16;
/** After each search in vain it takes twice as many losses, up to this. */
const MAX_LOSSES = 16_384;
/** An agent on which nothing was given back for so long is not going to have enough: it is let go. */
export const HOLD_STALLED_MS = 60_000;
/** One in so many agents may be kept, and always one. */
const AGENTS_PER_HOLD = 20;

/** What a client has gone through that wants more than agents have free. */
interface Want {
  losses: number;
  /** Losses at which an agent is sought for it. */
  threshold: number;
  /** Agents that were kept for it in vain. */
  readonly tried: Set<AgentEntry>;
}

/** An agent whose free resources wait for more, for one client. */
export interface Hold {
  readonly client: Client;
  readonly agent: AgentEntry;
  /** When something was last given back on it. */
  progressMonoMs: number;
}

/**
 * Large tasks among small ones. Free slices go to whoever can use them, so a task that needs most of a machine would
 * never see enough at once. A client that keeps losing for that reason (it says what one task needs, by offer filters
 * or by REQUEST) gets the agent that is nearest to it: nobody else is offered its unreserved resources until there is
 * enough, or until that is not to be expected. At most one agent per client, and one agent in twenty.
 *
 * losing -> (STARVING_AFTER_LOSSES) starving -> (an agent is found) holding -> (enough) served, or -> (stalled) losing.
 * Owns and mutates its state.
 */
export class Accumulation {
  private readonly wants = new Map<Client, Want>();
  private readonly starving = new Set<Client>();
  private readonly holds = new Map<AgentEntry, Hold>();
  private readonly holdOf = new Map<Client, Hold>();

  constructor(
    private readonly ledger: QuotaLedger,
    private readonly starvingAfterLosses: number = STARVING_AFTER_LOSSES,
  ) {}

  /** Agents that are kept for somebody. */
  get size(): number {
    return this.holds.size;
  }

  /** Whether somebody waits for an agent and may get one. */
  hasWork(agents: number): boolean {
    return this.starving.size > 0 && this.holds.size < maxHolds(agents);
  }

  holdOn(agent: AgentEntry): Hold | undefined {
    return this.holds.size === 0 ? undefined : this.holds.get(agent);
  }

  /** An agent had too little for the client, which came before all who got something. */
  lost(client: Client): void {
    if (this.holdOf.has(client) || demandOf(client).length === 0) return;
    const want = this.wantOf(client);
    want.losses += 1;
    if (want.losses >= want.threshold) this.starving.add(client);
  }

  /** The client is offered something. Returns the agent that need not be kept for it any more. */
  offered(client: Client, amount: Resources): AgentEntry | undefined {
    const demand = demandOf(client);
    if (demand.length === 0) return undefined;
    if (demand.some((vector) => meets(amount, vector))) return this.forget(client);
    this.lost(client);
    return undefined;
  }

  /** The client wants nothing, or something else. Returns the agent that was kept for it. */
  forget(client: Client): AgentEntry | undefined {
    this.wants.delete(client);
    this.starving.delete(client);
    return this.letGo(this.holdOf.get(client));
  }

  /** The agent is gone or gives nothing: its client looks for another one. */
  forgetAgent(agent: AgentEntry): void {
    const hold = this.holds.get(agent);
    this.letGo(hold);
    if (hold !== undefined) this.starving.add(hold.client);
    for (const want of this.wants.values()) want.tried.delete(agent);
  }

  /** Something came back on an agent. */
  noteProgress(agent: AgentEntry, nowMonoMs: number): void {
    const hold = this.holdOn(agent);
    if (hold !== undefined) hold.progressMonoMs = nowMonoMs;
  }

  /** Lets go of agents on which nothing moves; their clients look for others. Returns the agents. */
  expire(nowMonoMs: number): readonly AgentEntry[] {
    const agents: AgentEntry[] = [];
    for (const hold of this.holds.values()) {
      if (nowMonoMs - hold.progressMonoMs < HOLD_STALLED_MS) continue;
      this.letGo(hold);
      const want = this.wantOf(hold.client);
      want.tried.add(hold.agent);
      this.starving.add(hold.client);
      agents.push(hold.agent);
    }
    return agents;
  }

  nextDueMonoMs(): number | undefined {
    let due: number | undefined;
    for (const { progressMonoMs } of this.holds.values()) {
      due = Math.min(due ?? Number.POSITIVE_INFINITY, progressMonoMs + HOLD_STALLED_MS);
    }
    return due;
  }

  /**
   * Finds an agent for the client that has starved longest. O(agents), for one client a call; one who finds nothing
   * has to lose twice as often before the next search. Returns the agent that is kept from now on.
   */
  assign(given: {
    readonly agents: Iterable<AgentEntry>;
    readonly agentCount: number;
    readonly nowMonoMs: number;
    /** Whether the client would take the agent if all it can use of it were free. */
    readonly wouldTake: (client: Client, agent: AgentEntry, usable: Resources) => boolean;
  }): AgentEntry | undefined {
    if (!this.hasWork(given.agentCount)) return undefined;
    const [client] = this.starving;
    if (client === undefined) return undefined;
    this.starving.delete(client);
    const want = this.wantOf(client);
    const agent = this.nearest(client, want, given);
    if (agent === undefined) {
      want.tried.clear();
      want.losses = 0;
      want.threshold = Math.min(MAX_LOSSES, want.threshold * 2);
      return undefined;
    }
    const hold: Hold = { client, agent, progressMonoMs: given.nowMonoMs };
    this.holds.set(agent, hold);
    this.holdOf.set(client, hold);
    return agent;
  }

  private wantOf(client: Client): Want {
    const known = this.wants.get(client);
    if (known !== undefined) return known;
    const want: Want = { losses: 0, threshold: this.starvingAfterLosses, tried: new Set() };
    this.wants.set(client, want);
    return want;
  }

  private nearest(
    client: Client,
    want: Want,
    given: Pick<Parameters<Accumulation['assign']>[0], 'agents' | 'wouldTake'>,
  ): AgentEntry | undefined {
    const demand = demandOf(client).filter((vector) =>
      Object.entries(vector).every(
        ([name, milli]) => this.ledger.upToLimit(client.topRole, name) >= milli,
      ),
    );
    let best: AgentEntry | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const agent of given.agents) {
      if (!agent.isActive || this.holds.has(agent) || want.tried.has(agent)) continue;
      const usable = usableOf(agent, agent.total, client.audience);
      const free = usableOf(agent, agent.available, client.audience);
      for (const vector of demand) {
        const missing = missingShare(vector, { usable, free });
        // With nothing missing it is the client that does not take it: keeping the agent would not help.
        if (missing === 0 || missing >= least || !given.wouldTake(client, agent, usable)) continue;
        least = missing;
        best = agent;
      }
    }
    return best;
  }

  private letGo(hold: Hold | undefined): AgentEntry | undefined {
    if (hold === undefined) return undefined;
    this.holds.delete(hold.agent);
    this.holdOf.delete(hold.client);
    return hold.agent;
  }
}

/** What one task of a client needs: as it asked, else its own minimum. */
export function demandOf(client: Client): readonly Quantities[] {
  return client.asked.length > 0 ? client.asked : (client.audience.minimum ?? []);
}

const maxHolds = (agents: number): number => Math.max(1, Math.floor(agents / AGENTS_PER_HOLD));

/** The largest missing share of a vector, 0..1; infinite when all of the agent were not enough. */
function missingShare(
  vector: Quantities,
  { usable, free }: { readonly usable: Resources; readonly free: Resources },
): number {
  let missing = 0;
  for (const name in vector) {
    const needed = vector[name] ?? 0;
    if (quantityOf(usable, name) < needed) return Number.POSITIVE_INFINITY;
    if (needed > 0) missing = Math.max(missing, (needed - quantityOf(free, name)) / needed);
  }
  return missing;
}

/** Without what is reserved for others, revocable or refined unless it takes such. */
function usableOf(agent: AgentEntry, amount: Resources, audience: Audience): Resources {
  if (agent.isPlain) return amount;
  return selectResources(amount, (key) => {
    if (isPlainKey(key)) return true;
    const { reservations, isRevocable } = traitsOfKey(key);
    const role = reservations.at(-1)?.role;
    return (
      (role === undefined || isWithin(audience.role, role)) &&
      (!isRevocable || audience.takesRevocable) &&
      (reservations.length <= 1 || audience.takesRefined)
    );
  });
}
