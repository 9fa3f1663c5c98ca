import type {
  MasterAgent,
  MasterExecutor,
  MasterFramework,
  MasterState,
  MasterTask,
  MasterTouches,
} from '#cluster';
import { type AgentId, type FrameworkId, noResources, type Resources } from '#core';
import { Budget } from './budget.js';
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
  private readonly executorsByFramework = new Map<FrameworkId, Set<MasterExecutor>>();

  /** `onChange` is told whose tasks or executors hold more or less than before, or others. */
  constructor(
    private readonly state: MasterState,
    private readonly onChange: (touches: MasterTouches) => void,
  ) {
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
  drain(budget: Budget = UNLIMITED): boolean {
    for (const task of this.waiting) {
      if (budget.isSpent()) return false;
      this.waiting.delete(task);
      budget.spend(() => this.count(task));
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

  /** In the order in which they came. As of the last {@link drain}. */
  executorsOf(framework: MasterFramework): ReadonlySet<MasterExecutor> {
    return this.executorsByFramework.get(framework.id) ?? NO_EXECUTORS;
  }

  /** One framework's after the other's. As of the last {@link drain}. */
  *allExecutors(): Iterable<MasterExecutor> {
    for (const executors of this.executorsByFramework.values()) yield* executors;
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
        if (!now.has(executor)) this.changeExecutor(executor, 'gone');
      }
      for (const executor of now) {
        if (known?.has(executor) !== true) this.changeExecutor(executor, 'come');
      }
      if (now.size === 0) this.executors.delete(id);
      else this.executors.set(id, now);
    }
    for (const [id, known] of this.executors) {
      if (this.state.agents.has(id)) continue;
      for (const executor of known) this.changeExecutor(executor, 'gone');
      this.executors.delete(id);
    }
  }

  private changeExecutor(executor: MasterExecutor, kind: 'gone' | 'come'): void {
    const { frameworkId, resources } = executor;
    const known = this.executorsByFramework.get(frameworkId) ?? new Set();
    this.executorsByFramework.set(frameworkId, known);
    if (kind === 'come') known.add(executor);
    else known.delete(executor);
    if (known.size === 0) this.executorsByFramework.delete(frameworkId);
    this.change(executor, { [kind]: resources });
  }

  private change(
    { agentId, frameworkId }: { readonly agentId: AgentId; readonly frameworkId: FrameworkId },
    difference: Difference,
  ): void {
    changeSum(this.usedByAgent, agentId, difference);
    changeSum(this.usedByFramework, frameworkId, difference);
    const agent = this.state.agents.get(agentId);
    const framework = this.state.frameworks.get(frameworkId);
    this.onChange({
      tasks: [],
      agents: agent === undefined ? [] : [agent],
      frameworks: framework === undefined ? [] : [framework],
    });
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
const UNLIMITED = new Budget(Number.POSITIVE_INFINITY, () => 0);
const NO_EXECUTORS: ReadonlySet<MasterExecutor> = new Set();
