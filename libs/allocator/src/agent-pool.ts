import {
  type AgentId,
  addResources,
  containsResources,
  isEmptyResources,
  nameOfKey,
  noResources,
  type Resources,
  type RoleName,
  subtractResources,
} from '#core';
import type { AgentTraits } from './agent-traits.js';
import { meetsOne, type Quantities } from './quantities.js';
import { isPlainKey, type QuotaLedger } from './quota-ledger.js';
import { subtractUpTo } from './subtract-up-to.js';

/** An agent and what is free on it. The pool owns and mutates it. */
export interface AgentEntry {
  readonly id: AgentId;
  traits: AgentTraits;
  total: Resources;
  allocated: Resources;
  available: Resources;
  isActive: boolean;
  hasGpus: boolean;
  /** Nothing of it is reserved or revocable: everybody sees the same. */
  isPlain: boolean;
  /** The last round in which it counted whom it was not offered to. */
  countedRound: number;
}

/**
 * The agents: what each has, what is allocated of it and what is free, and which have enough free to be worth a look.
 * Keeps the quota ledger up to date. Owns and mutates its state.
 */
export class AgentPool {
  private readonly agents = new Map<AgentId, AgentEntry>();
  private readonly free = new Set<AgentEntry>();
  private minimum: readonly Quantities[];

  constructor(
    private readonly ledger: QuotaLedger,
    /** What has less than one of these is not looked at; empty: anything is. */
    minimum: readonly Quantities[],
  ) {
    this.minimum = minimum;
  }

  get size(): number {
    return this.agents.size;
  }

  /** Active agents with enough free, in the order in which they became so. */
  get freeAgents(): ReadonlySet<AgentEntry> {
    return this.free;
  }

  get(id: AgentId): AgentEntry | undefined {
    return this.agents.get(id);
  }

  values(): IterableIterator<AgentEntry> {
    return this.agents.values();
  }

  isFree(agent: AgentEntry): boolean {
    return this.free.has(agent);
  }

  /** O(agents) when it changes. */
  setMinimum(minimum: readonly Quantities[]): void {
    if (this.minimum === minimum) return;
    this.minimum = minimum;
    for (const agent of this.agents.values()) this.sort(agent);
  }

  add(id: AgentId, total: Resources, traits: AgentTraits): AgentEntry {
    const agent: AgentEntry = {
      id,
      traits,
      total,
      allocated: noResources,
      available: total,
      isActive: true,
      countedRound: 0,
      ...describe(total),
    };
    this.agents.set(id, agent);
    this.ledger.changeTotal(total, 1);
    this.ledger.changeFree(total, 1);
    this.sort(agent);
    return agent;
  }

  /** A new total; what is allocated stays, even when it is more. */
  resize(agent: AgentEntry, total: Resources): void {
    this.ledger.changeTotal(agent.total, -1);
    this.ledger.changeTotal(total, 1);
    agent.total = total;
    Object.assign(agent, describe(total));
    this.setAvailable(agent, subtractUpTo(total, agent.allocated));
  }

  remove(agent: AgentEntry): void {
    this.ledger.changeTotal(agent.total, -1);
    if (agent.isActive) this.ledger.changeFree(agent.available, -1);
    this.agents.delete(agent.id);
    this.free.delete(agent);
  }

  /** Only what is free on active agents counts as headroom. */
  setActive(agent: AgentEntry, { isActive }: { readonly isActive: boolean }): void {
    if (agent.isActive === isActive) return;
    agent.isActive = isActive;
    this.ledger.changeFree(agent.available, isActive ? 1 : -1);
    this.sort(agent);
  }

  /** Allocates; more than is free when adopted tasks need more than the agent has. */
  take(agent: AgentEntry, role: RoleName, amount: Resources): void {
    this.ledger.changeAllocated(role, amount, 1);
    agent.allocated =
      agent.allocated === noResources ? amount : addResources(agent.allocated, amount);
    this.setAvailable(
      agent,
      amount === agent.available ? noResources : subtractUpTo(agent.available, amount),
    );
  }

  giveBack(agent: AgentEntry, amount: Resources): void {
    agent.allocated =
      agent.allocated === amount ? noResources : subtractUpTo(agent.allocated, amount);
    this.setAvailable(agent, subtractUpTo(agent.total, agent.allocated));
  }

  /** Changes traits of what is free; false when it is not. */
  convertFree(agent: AgentEntry, consumed: Resources, converted: Resources): boolean {
    if (!containsResources(agent.available, consumed)) return false;
    this.resize(agent, addResources(subtractResources(agent.total, consumed), converted));
    return true;
  }

  /** Changes traits of what is allocated to a framework in `role`; false when the agent has not so much allocated. */
  convertAllocated(
    agent: AgentEntry,
    role: RoleName,
    { consumed, converted }: { readonly consumed: Resources; readonly converted: Resources },
  ): boolean {
    const isThere =
      containsResources(agent.allocated, consumed) && containsResources(agent.total, consumed);
    if (!isThere) return false;
    this.ledger.changeAllocated(role, consumed, -1);
    this.ledger.changeAllocated(role, converted, 1);
    agent.allocated = addResources(subtractResources(agent.allocated, consumed), converted);
    this.resize(agent, addResources(subtractResources(agent.total, consumed), converted));
    return true;
  }

  private setAvailable(agent: AgentEntry, available: Resources): void {
    if (agent.isActive) {
      this.ledger.changeFree(agent.available, -1);
      this.ledger.changeFree(available, 1);
    }
    agent.available = available;
    this.sort(agent);
  }

  private sort(agent: AgentEntry): void {
    const isFree =
      agent.isActive &&
      agent.available !== noResources &&
      !isEmptyResources(agent.available) &&
      meetsOne(agent.available, this.minimum);
    if (isFree) this.free.add(agent);
    else this.free.delete(agent);
  }
}

function describe(total: Resources): { readonly hasGpus: boolean; readonly isPlain: boolean } {
  const keys = [...Object.keys(total.scalars), ...Object.keys(total.ranges)];
  return {
    hasGpus: keys.some((key) => nameOfKey(key) === 'gpus'),
    isPlain: keys.every(isPlainKey),
  };
}
