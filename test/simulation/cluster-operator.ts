import { type App, type Deployment, type Instance, isParked } from '#core';
import type { MasterEngine } from '../../apps/master/src/engine/master-engine.js';
import type { AgentNode } from './agent-node.js';
import type { ControllerNode } from './controller-node.js';
import { isHeld } from './deployment-watch.js';
import { giveUp } from './faults.js';
import { askLeader } from './leader-client.js';
import type { MasterNode } from './master-node.js';
import type { Observer } from './observer.js';
import type { Workload } from './workload.js';
import type { World } from './world.js';

const ROUND_MS = 4_000;
/** An agent that is away for so long does not come back with what was on it. */
const LOST_MS = 120_000;
/** As `jobFailure` says it. */
const FAILED = /the job has failed: .* a restart, or another definition than that, runs it again/;

/** Somebody who takes agents out of service, and when all is quiet decides what waits for a decision. */
export class ClusterOperator {
  private readonly awaySinceMs = new Map<string, number>();

  constructor(
    private readonly parts: {
      readonly world: World;
      readonly masters: readonly MasterNode[];
      readonly agents: readonly AgentNode[];
      readonly controllers: readonly ControllerNode[];
      readonly observer: Observer;
      readonly workload: Workload;
    },
  ) {}

  /** One agent at random ends what it runs; it is back some time later. */
  drainAgent(): void {
    const { world } = this.parts;
    const { faults } = world.random;
    const known = [...(this.master()?.state.agents.values() ?? [])];
    if (known.length === 0) return;
    const agent = faults.pick(known);
    world.trace.add('FAULT', `the operator drains ${agent.info.hostname}`);
    giveUp(this.parts, agent);
    const max_grace_period = { nanoseconds: faults.pick([0, 200, 5_000]) * 1e6 };
    const drain_agent = { agent_id: { value: agent.id }, max_grace_period, mark_gone: false };
    void this.master()?.callFromOperator({ call: { type: 'DRAIN_AGENT', drain_agent } });
    world.after(faults.between(1_000, 30_000), () => this.reactivateAgents());
  }

  /** From now on, again and again: decides what nobody but a person may. */
  settle(): void {
    void this.round().then(() => this.parts.world.after(ROUND_MS, () => this.settle()));
  }

  private async round(): Promise<void> {
    const { observer, workload, world } = this.parts;
    this.reactivateAgents();
    for (const deployment of observer.stored.running()) await this.decide(deployment);
    for (const instance of observer.instances.values()) {
      if (!this.isLost(instance)) continue;
      world.trace.add('operator', `gives ${instance.id} up`);
      observer.mayEndInstance(instance, 'an operator wiped it');
      await askLeader(this.parts, (node) =>
        node.engine?.killInstances([instance.id], { wipe: true }),
      );
    }
    for (const app of observer.apps.values()) {
      if (this.isHalfDone(app)) await workload.declareAgain(app);
      else if (this.isFailedJobInTheWay(app)) await workload.runAgain(app);
    }
  }

  /** A deployment says that it waits for a job, which has failed. */
  private isFailedJobInTheWay({ id }: App): boolean {
    const engine = this.parts.controllers.find(({ isLeader }) => isLeader)?.engine;
    const words = engine?.view.deployments().flatMap(({ waitingFor }) => waitingFor) ?? [];
    return words.some((word) =>
      word.split('it depends on ').some((one) => one.startsWith(`${id}: `) && FAILED.test(one)),
    );
  }

  private async decide(deployment: Deployment): Promise<void> {
    const { workload, world } = this.parts;
    if (!isHeld(deployment)) return;
    if (deployment.pause !== undefined) await workload.steering.resume(deployment.id);
    else if (world.random.workload.chance(0.6)) await workload.steering.promote(deployment.id);
    else await workload.abort(deployment, { force: false });
  }

  /** It waits for an agent that is not there any more, with its volumes. */
  private isLost({ placement, reservation, goal, id }: Instance): boolean {
    const { nowMs } = this.parts.world;
    const agent = placement && this.master()?.state.agents.get(placement.agentId);
    if (reservation === undefined || goal === 'Decommissioned') return false;
    if (agent?.condition === 'connected') {
      this.awaySinceMs.delete(id);
      return false;
    }
    const sinceMs = this.awaySinceMs.get(id) ?? nowMs;
    this.awaySinceMs.set(id, sinceMs);
    return nowMs - sinceMs > LOST_MS;
  }

  /** A deployment ended before its time, and what it left is a mixture. */
  private isHalfDone(app: App): boolean {
    const { stored } = this.parts.observer;
    if (stored.running().some(({ affectedApps }) => affectedApps.includes(app.id))) return false;
    return stored
      .instancesOf(app.id)
      .some((one) => !isParked(one) && stored.configOf(one) !== app.versionInfo.lastConfigChangeAt);
  }

  private reactivateAgents(): void {
    for (const { id, activation } of this.master()?.state.agents.values() ?? []) {
      if (activation === undefined || activation.drain?.state === 'DRAINING') continue;
      const reactivate_agent = { agent_id: { value: id } };
      void this.master()?.callFromOperator({
        call: { type: 'REACTIVATE_AGENT', reactivate_agent },
      });
    }
  }

  private master(): MasterEngine | undefined {
    return this.parts.masters.find(({ isLeading }) => isLeading)?.engine;
  }
}
