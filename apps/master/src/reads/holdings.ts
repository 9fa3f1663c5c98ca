import type { MasterAgent, MasterFramework, MasterState, MasterTask } from '#cluster';
import { noResources, type Resources } from '#core';
import { HeldSum } from './held-sum.js';

/**
 * What tasks and offers hold of each agent and for each framework, counted by difference: of tasks, those that were
 * touched since; of offers, which are few, by comparing.
 */
export class Holdings {
  private readonly used = new Map<string, HeldSum>();
  private readonly offered = new WeakMap<MasterAgent | MasterFramework, HeldSum>();
  /** Tasks that are counted, with what they count for. */
  private readonly counted = new Map<MasterTask, Resources>();
  private readonly waiting = new Set<MasterTask>();

  constructor(state: MasterState) {
    for (const framework of state.frameworks.values()) {
      for (const task of framework.tasks.values()) this.waiting.add(task);
    }
  }

  /** A task may have changed. */
  touch(task: MasterTask): void {
    this.waiting.add(task);
  }

  /** Counts what was touched; false when the budget was spent before the end. */
  drain(budget?: { isSpent(): boolean }): boolean {
    for (const task of this.waiting) {
      if (budget?.isSpent() === true) return false;
      this.waiting.delete(task);
      this.count(task);
    }
    return true;
  }

  /** The same object while nothing changed. As of the last {@link drain}. */
  usedOn(agent: MasterAgent): Resources {
    return this.used.get(agentKey(agent.id))?.value ?? noResources;
  }

  usedBy(framework: MasterFramework): Resources {
    return this.used.get(frameworkKey(framework.id))?.value ?? noResources;
  }

  offeredOf(one: MasterAgent | MasterFramework): Resources {
    const known = this.offered.get(one);
    if (known === undefined && one.offers.size === 0) return noResources;
    const sum = known ?? new HeldSum();
    if (known === undefined) this.offered.set(one, sum);
    return sum.update(one.offers);
  }

  private count(task: MasterTask): void {
    const before = this.counted.get(task);
    const now = task.holdsResources ? task.resources : undefined;
    if (before === now) return;
    if (now === undefined) this.counted.delete(task);
    else this.counted.set(task, now);
    for (const key of [agentKey(task.agentId), frameworkKey(task.frameworkId)]) {
      const sum = this.used.get(key) ?? new HeldSum();
      this.used.set(key, sum);
      if (now !== undefined) sum.add(now);
      if (before !== undefined) sum.subtract(before);
      if (sum.size === 0) this.used.delete(key);
    }
  }
}

const agentKey = (id: string): string => `agent ${id}`;
const frameworkKey = (id: string): string => `framework ${id}`;
