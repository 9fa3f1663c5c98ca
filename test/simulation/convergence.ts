import { type App, type Instance, isDormant, isLeftover, tasksOf, traitsOfKey } from '#core';
import type { AgentNode } from './agent-node.js';
import { matchingAgents } from './capacity-watch.js';
import type { ControllerNode } from './controller-node.js';
import type { MasterNode } from './master-node.js';
import type { Observer } from './observer.js';

const MAX_REASONS = 12;

/** What is still not as declared; empty when declared is what runs. */
export function findDifferences(cluster: {
  readonly masters: readonly MasterNode[];
  readonly agents: readonly AgentNode[];
  readonly controllers: readonly ControllerNode[];
  readonly observer: Observer;
}): readonly string[] {
  const { masters, agents, controllers, observer } = cluster;
  const reasons: string[] = [];
  const controller = controllers.find(({ isLeading }) => isLeading);
  const master = masters.find(({ isLeading }) => isLeading);
  if (controller === undefined) reasons.push('no controller leads');
  if (master === undefined) reasons.push('no master leads');
  for (const { id, state, currentStep, steps } of observer.deployments.values()) {
    if (state === 'Running') {
      const view = controller?.engine?.view.deployments();
      const waits = view?.find(({ deployment }) => deployment.id === id)?.waitingFor ?? [];
      reasons.push(
        `deployment ${id} is in step ${currentStep} of ${steps.length}: ${waits.join('; ')}`,
      );
    }
  }
  const wanted = compareInstances(observer, agents, reasons, (app) => {
    const waitingFor = controller?.engine?.view.explain(app)?.waitingFor ?? [];
    return waitingFor.join(', ');
  });
  compareHosts(agents, wanted, reasons);
  compareVolumes(master, observer, reasons);
  compareLedger(master, wanted, reasons);
  for (const { appId, count } of controller?.engine?.view.queue() ?? []) {
    reasons.push(`${count} instances of ${appId} wait to be launched`);
  }
  return reasons.slice(0, MAX_REASONS);
}

function compareInstances(
  observer: Observer,
  agents: readonly AgentNode[],
  reasons: string[],
  why: (app: App['id']) => string,
): ReadonlySet<string> {
  const wanted = new Set<string>();
  const counts = new Map<string, number>();
  for (const instance of observer.instances.values()) {
    if (isKept(instance)) continue;
    const app = observer.apps.get(instance.appId);
    const what = `instance ${instance.id} is ${instance.condition} (goal ${instance.goal})`;
    if (instance.condition !== 'Running' || instance.goal !== 'Running') reasons.push(what);
    if (app === undefined) reasons.push(`${what}, and nobody wants it`);
    else if (observer.stored.configOf(instance) !== app.versionInfo.lastConfigChangeAt) {
      reasons.push(`${what} and runs version ${instance.appVersion}`);
    }
    counts.set(instance.appId, (counts.get(instance.appId) ?? 0) + 1);
    for (const { taskId } of tasksOf(instance)) wanted.add(taskId);
  }
  for (const app of observer.apps.values()) {
    const count = counts.get(app.id) ?? 0;
    const due = dueOf(app, observer, agents);
    if (count !== due) reasons.push(`${app.id} has ${count} instances of ${due} (${why(app.id)})`);
  }
  return wanted;
}

/** Nothing runs of it, and nothing is to; what is reserved for it is. */
const isKept = (instance: Instance): boolean =>
  isLeftover(instance) || (isDormant(instance) && instance.goal === 'Stopped');

/** How many there are in the end. Of a job all have finished, or one failed too often. */
function dueOf(app: App, observer: Observer, agents: readonly AgentNode[]): number {
  if (app.workload === 'daemon') return matchingAgents(app, agents);
  if (app.workload !== 'job') return app.instances;
  const progress = observer.stored.jobs.get(app.id);
  const isOfThisRun = progress?.run === app.versionInfo.lastConfigChangeAt;
  if (isOfThisRun && progress.failed > 0) return 0;
  return Math.max(0, app.instances - (isOfThisRun ? progress.completed : 0));
}

/** The volumes that agents keep are somebody's. */
function compareVolumes(
  master: MasterNode | undefined,
  observer: Observer,
  reasons: string[],
): void {
  const kept = new Set<string>();
  for (const instance of observer.instances.values()) {
    if (isLeftover(instance)) continue;
    for (const { persistenceId } of instance.reservation?.volumes ?? []) kept.add(persistenceId);
  }
  for (const { condition, total, info } of master?.engine?.state.agents.values() ?? []) {
    for (const key of condition === 'connected' ? Object.keys(total.scalars) : []) {
      const { volume } = traitsOfKey(key);
      if (volume === undefined || kept.has(volume.id)) continue;
      reasons.push(`volume ${volume.id} on ${info.hostname} is nobody's`);
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
      running.add(task);
      if (!wanted.has(task)) reasons.push(`${task} runs on ${name}, and nobody wants it`);
    }
  }
  for (const task of wanted) if (!running.has(task)) reasons.push(`${task} runs nowhere`);
}

function compareLedger(
  master: MasterNode | undefined,
  wanted: ReadonlySet<string>,
  reasons: string[],
): void {
  for (const framework of master?.engine?.state.frameworks.values() ?? []) {
    for (const task of framework.tasks.values()) {
      if (wanted.has(task.id)) {
        if (task.state !== 'TASK_RUNNING')
          reasons.push(`the master has ${task.id} as ${task.state}`);
      } else if (master?.engine?.state.agents.get(task.agentId)?.condition !== 'unreachable') {
        reasons.push(`the master still has ${task.id} as ${task.state}`);
      }
    }
  }
}
