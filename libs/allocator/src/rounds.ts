import type { AgentEntry, AgentPool } from './agent-pool.js';
import type { ClientBook } from './client-book.js';
import { noteOffered } from './decline-backoff.js';
import type { Quantities } from './quantities.js';
import type { RoundWork } from './round-work.js';
import { Search, type SearchSources } from './search.js';
import type { AllocateOptions, Allocation } from './traits.js';

/** With `maxAllocations`, a call also ends after looking at so many (agent, client) pairs. */
export const MAX_CHECKS_PER_CALL = 100_000;

/** With `maxAllocations`, a call ends so many refusals at most; the rest is due at once. */
export const MAX_EXPIRED_PER_CALL = 20_000;

/** What a round works on; all of it is the allocator's. */
export interface RoundSources extends SearchSources {
  readonly agents: AgentPool;
  readonly book: ClientBook;
  readonly work: RoundWork;
}

/** Where one call stands. */
interface Call {
  readonly allocations: Allocation[];
  /** Whether the call has done enough. */
  readonly isOver: () => boolean;
}

/**
 * The rounds: what changed is looked at for unmet guarantees first, then for everybody, then all free agents once more
 * when headroom has grown beyond what the last round left. At the end, whoever starves for a large task may be given
 * an agent to accumulate on. Owns its counters; changes the allocator's state.
 */
export class Rounds {
  round = 0;
  nowMonoMs = 0;
  private readonly search: Search;

  constructor(
    private readonly sources: RoundSources,
    private readonly charge: (agent: AgentEntry, allocation: Allocation) => void,
  ) {
    this.search = new Search(sources);
  }

  /** One round, or a piece of one. */
  run(
    nowMonoMs: number,
    minimum: readonly Quantities[],
    options: AllocateOptions,
  ): readonly Allocation[] {
    const { ledger, agents, work } = this.sources;
    const limit = options.maxAllocations === undefined ? undefined : MAX_EXPIRED_PER_CALL;
    this.begin(nowMonoMs, minimum, limit);
    const call = this.call(options);
    let isComplete =
      (!ledger.hasUnmetGuarantees || this.serveGuarantees(call)) && this.serveAll(call);
    if (isComplete && ledger.hasMoreSurplus()) {
      ledger.forgetShortage();
      for (const agent of agents.freeAgents) work.agentChanged(agent);
      isComplete = this.serveAll(call);
    }
    if (isComplete) {
      ledger.endRound();
      this.keepAgentForStarving();
    }
    return call.allocations;
  }

  private begin(nowMonoMs: number, minimum: readonly Quantities[], limit?: number): void {
    const { ledger, agents, book, work, filters, accumulation, eligibility } = this.sources;
    this.round += 1;
    this.nowMonoMs = nowMonoMs;
    eligibility.beginRound(this.round, minimum);
    for (const { owner, agentId } of filters.expire(nowMonoMs, limit)) {
      const agent = agents.get(agentId);
      if (agent !== undefined && agents.isFree(agent)) work.pairChanged(agent, owner);
    }
    for (const agent of accumulation.expire(nowMonoMs)) this.maybeChanged(agent);
    for (const role of ledger.takeGained()) {
      for (const client of book.clientsBelow(role)) {
        if (client.isVisited) work.clientChanged(client);
      }
    }
    work.begin(agents.freeAgents);
  }

  private call(options: AllocateOptions): Call {
    const { maxAllocations } = options;
    const allocations: Allocation[] = [];
    if (maxAllocations === undefined) return { allocations, isOver: () => false };
    const lastCheck = this.search.checks + MAX_CHECKS_PER_CALL;
    const isOver = (): boolean =>
      allocations.length >= maxAllocations || this.search.checks >= lastCheck;
    return { allocations, isOver };
  }

  /** First stage: unmet guarantees. False when cut short. */
  private serveGuarantees(call: Call): boolean {
    const { work } = this.sources;
    for (const agent of work.agents()) {
      if (work.isGuaranteeDone(agent)) continue;
      if (call.isOver() || !this.serve(agent, call, { isForGuarantees: true })) return false;
      work.guaranteeDone(agent);
    }
    return true;
  }

  /** Second stage: everybody, within limits and headroom. False when cut short. */
  private serveAll(call: Call): boolean {
    const { work } = this.sources;
    for (const agent of work.agents()) {
      if (call.isOver() || !this.serve(agent, call, { isForGuarantees: false })) return false;
      work.done(agent);
    }
    return true;
  }

  /** Gives out what an agent has, to one after the other. False when cut short. */
  private serve(
    agent: AgentEntry,
    call: Call,
    options: { readonly isForGuarantees: boolean },
  ): boolean {
    const { agents, work, accumulation, eligibility } = this.sources;
    eligibility.beginVisit(agent, options);
    while (agents.isFree(agent)) {
      const match = this.search.find(agent, work.candidatesFor(agent), options);
      if (match === undefined) return true;
      const { client, resources } = match;
      const { frameworkId, role } = client;
      const allocation: Allocation = { frameworkId, role, agentId: agent.id, resources };
      this.charge(agent, allocation);
      call.allocations.push(allocation);
      noteOffered(client.streak, this.round);
      const released = accumulation.offered(client, resources);
      if (released !== agent) this.maybeChanged(released);
      if (agents.isFree(agent) && call.isOver()) return false;
    }
    return true;
  }

  private keepAgentForStarving(): void {
    const { accumulation, agents, eligibility, filters } = this.sources;
    const agent = accumulation.assign({
      agents: agents.values(),
      agentCount: agents.size,
      nowMonoMs: this.nowMonoMs,
      wouldTake: (client, candidate, usable) =>
        eligibility.refuseAgent(candidate, client.audience) === undefined &&
        !filters.isFiltered(client, candidate.id, usable),
    });
    this.maybeChanged(agent);
  }

  private maybeChanged(agent: AgentEntry | undefined): void {
    const { agents, work } = this.sources;
    if (agent !== undefined && agents.isFree(agent)) work.agentChanged(agent);
  }
}
