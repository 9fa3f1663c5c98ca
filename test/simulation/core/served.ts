import { formatResources } from '#core';
import { decodeResources } from '#mesos-v1';
import type { AgentNode } from '../agent-node.js';
import type { MasterNode } from '../master-node.js';
import { select } from './carve.js';
import { compareExecutors } from './executor-watch.js';
import type { FrameworkNode } from './framework-node.js';
import type { StoredTask } from './framework-store.js';
import type { GroupWatch } from './group-watch.js';
import { isActive, isDone, isOver } from './task-book.js';
import { toTaskName } from './task-names.js';

const MAX_REASONS = 10;

/** What is still not as demanded; empty when every demand is served, and what runs is what is wanted. */
export function findUnserved(cluster: {
  readonly masters: readonly MasterNode[];
  readonly agents: readonly AgentNode[];
  readonly frameworks: readonly FrameworkNode[];
  readonly observer: { readonly groups: GroupWatch };
}): readonly string[] {
  const reasons: string[] = [];
  const wanted = new Set<string>();
  for (const node of cluster.frameworks) {
    compareDemands(node, reasons);
    for (const task of node.disk.tasks.values()) {
      if (task.state === 'TASK_RUNNING' && !task.isGivenUp) wanted.add(task.id);
    }
  }
  compareHosts(cluster.agents, wanted, reasons);
  reasons.push(...cluster.observer.groups.findAlone(cluster.agents));
  const master = cluster.masters.find(({ isLeading }) => isLeading);
  if (master?.engine === undefined) reasons.push('no master leads');
  else {
    compareLedger(master.engine.state, wanted, reasons);
    compareReservations(master.engine.state, cluster.agents, reasons);
    compareExecutors(master.engine.state, cluster.agents, reasons);
  }
  return reasons.slice(0, MAX_REASONS);
}

function compareDemands({ name, demands, disk }: FrameworkNode, reasons: string[]): void {
  const tasks = [...disk.tasks.values()];
  for (const demand of demands) {
    const isServing = (task: StoredTask) =>
      demand.kind === 'batch'
        ? isDone(task, demand)
        : isActive(task, demand) && task.state === 'TASK_RUNNING';
    const count = tasks.filter(isServing).length;
    const isServed = demand.kind === 'batch' ? count >= demand.count : count === demand.count;
    if (!isServed) reasons.push(`${name} has ${count} of ${demand.count} ${demand.id}`);
  }
  for (const task of tasks) {
    const isUnclear = !isOver(task) && (task.isGivenUp || task.state !== 'TASK_RUNNING');
    if (isUnclear && task.state !== 'TASK_UNREACHABLE') {
      reasons.push(`${task.id} is ${task.state}${task.isGivenUp ? ', given up' : ''}`);
    }
  }
}

function compareHosts(
  agents: readonly AgentNode[],
  wanted: ReadonlySet<string>,
  reasons: string[],
): void {
  const running = new Set<string>();
  for (const { name, host } of agents) {
    for (const task of host.running()) {
      if (running.has(task)) reasons.push(`${task} runs twice`);
      running.add(task);
      if (!wanted.has(task)) reasons.push(`${task} runs on ${name}, and nobody wants it`);
    }
  }
  for (const task of wanted) if (!running.has(task)) reasons.push(`${task} runs nowhere`);
}

/** What the master believes to be reserved is what agents have on their disks. */
function compareReservations(
  state: NonNullable<MasterNode['engine']>['state'],
  agents: readonly AgentNode[],
  reasons: string[],
): void {
  for (const { info, total, condition } of state.agents.values()) {
    const node = agents.find(({ name }) => name === info.hostname);
    if (node === undefined || condition !== 'connected') continue;
    const believed = formatResources(select(total, 'reserved'));
    const wire = node.journal.identity?.checkpointedResources ?? [];
    const stored = formatResources(decodeResources(wire));
    if (believed !== stored) {
      reasons.push(`${node.name} has reserved [${stored}]; the master believes [${believed}]`);
    }
  }
}

function compareLedger(
  state: NonNullable<MasterNode['engine']>['state'],
  wanted: ReadonlySet<string>,
  reasons: string[],
): void {
  const known = new Set<string>();
  for (const framework of state.frameworks.values()) {
    for (const task of framework.tasks.values()) {
      if (state.agents.get(task.agentId)?.condition === 'unreachable') continue;
      const name = toTaskName(framework.info.name, task.id);
      known.add(name);
      const isRight = task.state === 'TASK_RUNNING' && wanted.has(name);
      if (!isRight) reasons.push(`the master has ${name} as ${task.state}`);
    }
  }
  for (const task of wanted) {
    if (!known.has(task)) reasons.push(`the master does not know ${task}`);
  }
}
