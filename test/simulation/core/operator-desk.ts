import { reservedRole, roleName, selectResources } from '#core';
import { encodeResources, type OperatorMutation } from '#mesos-v1';
import type { MasterEngine } from '../../../apps/master/src/engine/master-engine.js';
import type { MasterNode } from '../master-node.js';
import type { World } from '../world.js';
import { QUOTA_ROLES, ROLES } from './demand.js';

type ActivationType = 'DRAIN_AGENT' | 'DEACTIVATE_AGENT' | 'REACTIVATE_AGENT';

/** What operators decide: weights, quota, agents that are to be drained. They ask whoever leads. */
export class OperatorDesk {
  constructor(
    private readonly parts: { readonly world: World; readonly masters: readonly MasterNode[] },
  ) {}

  /** One decision at random. */
  decide(): void {
    const { faults } = this.parts.world.random;
    const engine = this.leader();
    if (engine === undefined) return;
    const drawn = faults.next();
    if (drawn < 0.25) {
      const weight = faults.pick([0.5, 1, 2, 5]);
      const role = faults.pick(ROLES);
      this.ask({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [{ role, weight }] } });
    } else if (drawn < 0.6) this.setQuota();
    else this.changeAgent(engine);
  }

  /** Takes back whatever keeps a demand from being served; until nothing does. */
  settle(): void {
    const engine = this.leader();
    if (engine === undefined) return;
    const { operator, agents } = engine.state;
    for (const role of operator.quotas.keys()) {
      this.ask({ type: 'UPDATE_QUOTA', update_quota: { quota_configs: [{ role }] } });
    }
    for (const agent of agents.values()) {
      const { activation } = agent;
      if (activation !== undefined && activation.drain?.state !== 'DRAINING') {
        const reactivate_agent = { agent_id: { value: agent.id } };
        this.ask({ type: 'REACTIVATE_AGENT', reactivate_agent });
      }
      // What is reserved and not in use may be for a role nobody has any more.
      const free = selectResources(
        engine.state.allocator.availableOn(agent.id),
        (key) => reservedRole(key) !== undefined,
      );
      if (agent.condition !== 'connected' || Object.keys(free.scalars).length === 0) continue;
      const resources = encodeResources(free, { isRefined: true });
      const unreserve_resources = { agent_id: { value: agent.id }, resources };
      this.ask({ type: 'UNRESERVE_RESOURCES', unreserve_resources });
    }
  }

  private setQuota(): void {
    const { faults } = this.parts.world.random;
    const role = roleName(faults.pick(QUOTA_ROLES));
    const cpus = { value: faults.pick([0.5, 1, 3, 8]) };
    const mem = { value: faults.pick([256, 1_024, 4_096]) };
    const hasLimits = faults.chance(0.7);
    const hasGuarantees = faults.chance(0.4);
    const config = {
      role,
      ...(hasLimits ? { limits: faults.chance(0.5) ? { cpus, mem } : { cpus } } : {}),
      ...(hasGuarantees ? { guarantees: { cpus: { value: 0.5 } } } : {}),
    };
    const force = faults.chance(0.3);
    this.ask({ type: 'UPDATE_QUOTA', update_quota: { force, quota_configs: [config] } });
  }

  private changeAgent(engine: MasterEngine): void {
    const { faults } = this.parts.world.random;
    const known = [...engine.state.agents.keys()];
    if (known.length === 0) return;
    const agent_id = { value: faults.pick(known) };
    const type = faults.pick<ActivationType>([
      'DRAIN_AGENT',
      'DEACTIVATE_AGENT',
      'REACTIVATE_AGENT',
    ]);
    if (type === 'DEACTIVATE_AGENT') this.ask({ type, deactivate_agent: { agent_id } });
    else if (type === 'REACTIVATE_AGENT') this.ask({ type, reactivate_agent: { agent_id } });
    else {
      const max_grace_period = { nanoseconds: faults.pick([0, 200, 5_000]) * 1e6 };
      const mark_gone = faults.chance(0.15);
      this.ask({ type, drain_agent: { agent_id, max_grace_period, mark_gone } });
    }
  }

  private ask(call: OperatorMutation): void {
    const { world, masters } = this.parts;
    const master = masters.find(({ isLeading }) => isLeading);
    world.trace.add('operator', JSON.stringify(call));
    master?.process.enter(() => {
      if (master.refusal() !== undefined) return;
      void master.engine?.callFromOperator({ call }).then(({ status, message }) => {
        if (status !== 200) world.trace.add('operator', `is answered ${status}: ${message}`);
      });
    });
  }

  private leader(): MasterEngine | undefined {
    return this.parts.masters.find(({ isLeading }) => isLeading)?.engine;
  }
}
