import type {
  MasterAgent,
  MasterExecutor,
  MasterFramework,
  MasterState,
  MasterTask,
} from '#cluster';
import { type AgentId, noResources, type Resources } from '#core';
import { HeldSum } from './held-sum.js';

/**
 * What tasks, executors and offers hold of each agent and for each framework, counted by difference: of tasks, those
 * that were touched since; of executors and offers, which are few, by comparing.
 */
export class Holdings {
  private readonly usedByAgent = new Map<string, HeldSum>();
  private readonly usedByFramework = new Map<string, HeldSum>();
  private readonly offered = new WeakMap<MasterAgent | MasterFramework, HeldSum>();
  /** Tasks that are counted, with what they count for. */
  private readonly counted = new Map<MasterTask, Resources>();
  private readonly waiting = new Set<MasterTask>();
  private readonly executors = new Map<AgentId, Set<MasterExecutor>>();

  constructor(private readonly state: MasterState) {
    for (const framework of state.frameworks.values()) {
      for (const task of framework.tasks.values()) this.waiting.add(task);
    }
  }

  /** A task may have changed. */
  touch(task: MasterTask): void {
    this.waiting.add(task);
    // Nobody may read for long; what is gone must not be kept for them.
    if (this.waiting.size > MAX_WAITING) this.drain();
  }

  /** Counts what was touched; false when the budget was spent before the end. */
  drain(budget?: { isSpent(): boolean }): boolean {
    for (const task of this.waiting) {
      if (budget?.isSpent() === true) return false;
      this.waiting.delete(task);
      this.count(task);
    }
    this.countExecutors();
    return true;
  }

  /** The same object while nothing changed. As of the last {@link drain}. */
  usedOn(agent: MasterAgent): Resources {
    return this.usedByAgent.get(agent.id)?.value ?? noResources;
  }

  usedBy(framework: MasterFramework): Resources {
    return this.usedByFramework.get(framework.id)?.value ?? noResources;
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
    this.change(task, { gone: before, come: now });
  }

  private countExecutors(): void {
    for (const { id, executors } of this.state.agents.values()) {
      const known = this.executors.get(id);
      if (executors.size === 0 && known === undefined) continue;
      const now = new Set(executors.values());
      for (const executor of known ?? []) {
        if (!now.has(executor)) this.change(executor, { gone: executor.resources });
      }
      for (const executor of now) {
        if (known?.has(executor) !== true) this.change(executor, { come: executor.resources });
      }
      if (now.size === 0) this.executors.delete(id);
      else this.executors.set(id, now);
    }
    for (const [id, known] of this.executors) {
      if (this.state.agents.has(id)) continue;
      for (const executor of known) this.change(executor, { gone: executor.resources });
      this.executors.delete(id);
    }
  }

  private change(
    holder: { readonly agentId: string; readonly frameworkId: string },
    difference: Difference,
  ): void {
    changeSum(this.usedByAgent, holder.agentId, difference);
    changeSum(this.usedByFramework, holder.frameworkId, difference);
  }
}

interface Difference {
  readonly gone?: Resources | undefined;
  readonly come?: Resources | undefined;
}

function changeSum(sums: Map<string, HeldSum>, key: string, { gone, come }: Difference): void {
  const sum = sums.get(key) ?? new HeldSum();
  sums.set(key, sum);
  if (come !== undefined) sum.add(come);
  if (gone !== undefined) sum.subtract(gone);
  if (sum.size === 0) sums.delete(key);
}

const MAX_WAITING = 10_000;
