import { fromMilli, portRanges, type Resources } from '#core';
import { fromWireResources, type TaskInfo } from '#mesos-v1';
import type { MasterEngine } from '../../apps/master/src/engine/master-engine.js';
import type { AgentNode } from './agent-node.js';
import type { SimulatedExecutor } from './simulated-executor.js';

/** Adds amounts up and notices what is beyond the total, without the copies the real arithmetic makes. */
class Tally {
  private readonly scalars = new Map<string, number>();
  private readonly ports = new Set<number>();
  problem: string | undefined;

  constructor(private readonly total: Resources) {}

  add(what: string, amount: Resources): void {
    for (const [name, milli] of Object.entries(amount.scalars)) {
      const sum = (this.scalars.get(name) ?? 0) + milli;
      this.scalars.set(name, sum);
      const limit = this.total.scalars[name] ?? 0;
      if (sum > limit) {
        this.problem ??= `${what} brings ${name} to ${fromMilli(sum)} of ${fromMilli(limit)}`;
      }
    }
    for (const { begin, end } of portRanges(amount)) {
      for (let port = begin; port <= end; port += 1) {
        if (this.ports.has(port)) this.problem ??= `${what} takes port ${port} a second time`;
        this.ports.add(port);
      }
    }
  }

  /** What nobody holds is free: each is charged once, and freed at its end. */
  compareWithFree(what: string, free: Resources): void {
    for (const [name, total] of Object.entries(this.total.scalars)) {
      const sum = this.scalars.get(name) ?? 0;
      const rest = free.scalars[name] ?? 0;
      if (sum + rest === total) continue;
      this.problem ??= `${what} has ${fromMilli(rest)} ${name} free with ${fromMilli(sum)} of ${fromMilli(total)} held`;
    }
  }
}

/** What the master believes: tasks, executors and outstanding offers of an agent together fit on it. */
export function checkMaster(engine: MasterEngine): string | undefined {
  for (const agent of engine.state.agents.values()) {
    if (agent.condition === 'unreachable') continue;
    const tally = new Tally(agent.total);
    for (const task of agent.tasks) if (task.holdsResources) tally.add(task.id, task.resources);
    for (const { id, resources } of agent.executors.values()) tally.add(id, resources);
    for (const offer of agent.offers) tally.add(offer.id, offer.resources);
    // One of before that has not come back yet is not allocated from.
    if (agent.condition !== 'recovering') {
      tally.compareWithFree(agent.id, engine.state.allocator.availableOn(agent.id));
    }
    if (tally.problem !== undefined) return `the master over-commits ${agent.id}: ${tally.problem}`;
  }
  return undefined;
}

/** What is true: the processes of a host fit on it, and no two hold the same port. */
export function checkHost(
  node: AgentNode,
  observer: {
    definition(task: string): TaskInfo | undefined;
    /** What an executor on a host holds. */
    executorResources?(executor: SimulatedExecutor): TaskInfo['resources'];
  },
): string | undefined {
  const tally = new Tally(node.resources);
  for (const task of node.host.running()) {
    const definition = observer.definition(task);
    if (definition === undefined) return `${task} runs on ${node.name}, and nobody launched it`;
    tally.add(task, fromWireResources(definition.resources));
  }
  for (const executor of node.host.liveExecutors()) {
    tally.add(executor.name, fromWireResources(observer.executorResources?.(executor) ?? []));
  }
  return tally.problem === undefined
    ? undefined
    : `${node.name} is over-committed: ${tally.problem}`;
}
