import type { MasterAgent } from '#cluster';
import { type Instance, tasksOf } from '#core';
import type { FakeLeaseKeeper } from '../support/fake-lease-keeper.js';
import type { AgentNode } from './agent-node.js';
import type { MasterNode } from './master-node.js';
import type { Network } from './network.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { SurvivalWatch } from './survival-watch.js';
import type { World } from './world.js';

export interface FaultTargets {
  readonly world: World;
  readonly network: Network;
  readonly masters: readonly MasterNode[];
  readonly agents: readonly AgentNode[];
  /** The master's clients. */
  readonly clients: readonly { readonly process: SimulatedProcess; readonly isLeading: boolean }[];
  readonly leases: FakeLeaseKeeper;
  readonly observer: {
    readonly survival: SurvivalWatch;
    /** As stored by the controllers, where there are any. */
    readonly instances?: ReadonlyMap<string, Instance>;
  };
}

/** How often each fault comes, relative to the others. */
const WEIGHTS = {
  'break-stream': 5,
  'cut-route': 3,
  'crash-at-effect': 10,
  'crash-agent': 2,
  'crash-master': 2,
  'crash-client': 2,
  'crash-host': 1,
  'lose-disk': 0.3,
  'fill-disk': 1,
  'mark-gone': 0.4,
  'freeze-process': 2,
  'end-task': 3,
  'flip-health': 2,
  'jump-clock': 1,
  'database-away': 1,
} as const;

type Fault = keyof typeof WEIGHTS;

const FAULTS = Object.keys(WEIGHTS) as readonly Fault[];
const TOTAL = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

/** Does one thing that should not happen, and does. */
export function injectFault(targets: FaultTargets): void {
  const { world } = targets;
  let drawn = world.random.faults.next() * TOTAL;
  const fault = FAULTS.find((one) => {
    drawn -= WEIGHTS[one];
    return drawn < 0;
  });
  carryOut(fault ?? 'break-stream', targets);
}

function carryOut(fault: Fault, targets: FaultTargets): void {
  const { world, network, agents, masters, clients, leases } = targets;
  const { faults } = world.random;
  switch (fault) {
    case 'break-stream': {
      const streams = [...network.streams];
      if (streams.length === 0) return;
      const stream = faults.pick(streams);
      world.trace.add('FAULT', `breaks ${stream.route.name}`);
      stream.break();
      return;
    }
    case 'cut-route': {
      const route = faults.pick(network.allRoutes());
      const forMs = faults.between(100, 25_000);
      if (!route.isUp) return;
      world.trace.add('FAULT', `cuts ${route.name} for ${Math.round(forMs)} ms`);
      route.cut();
      world.after(forMs, () => route.heal());
      return;
    }
    case 'crash-at-effect': {
      const node = faults.pick([...agents, ...masters, ...clients, ...clients]);
      node.process.crashAfterCalls(
        faults.integer(1, 30),
        faults.pick(['before', 'after'] as const),
      );
      return;
    }
    case 'crash-agent':
      faults.pick(agents).process.kill('SIGKILL');
      return;
    case 'crash-master':
      (masters.find(({ isLeading }) => isLeading) ?? faults.pick(masters)).process.kill('SIGKILL');
      return;
    case 'crash-client':
      (clients.find(({ isLeading }) => isLeading) ?? faults.pick(clients)).process.kill('SIGKILL');
      return;
    case 'crash-host':
      faults
        .pick(agents)
        .crashHost(faults.between(1_000, 40_000), { keepsDisk: faults.chance(0.6) });
      return;
    case 'lose-disk':
      faults.pick(agents).loseDisk();
      return;
    case 'fill-disk':
      faults.pick(agents).fillDisk(faults.between(500, 40_000));
      return;
    case 'mark-gone': {
      const engine = masters.find(({ isLeading }) => isLeading)?.engine;
      const known = [...(engine?.state.agents.keys() ?? [])];
      if (engine === undefined || known.length === 0) return;
      const agent = faults.pick(known);
      world.trace.add('FAULT', `the operator gives ${agent} up`);
      giveUp(targets, engine.state.agents.get(agent));
      void engine.callFromOperator({
        call: { type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id: { value: agent } } },
      });
      return;
    }
    case 'freeze-process':
      faults.pick([...agents, ...masters, ...clients]).process.freeze(faults.between(200, 15_000));
      return;
    case 'end-task': {
      const { host } = faults.pick(agents);
      const running = host.running();
      if (running.length > 0) host.end(faults.pick(running), { kind: 'exited', code: 1 });
      return;
    }
    case 'flip-health': {
      const node = faults.pick(agents);
      const running = node.host.running();
      if (running.length === 0) return;
      const task = faults.pick(running);
      world.trace.add('FAULT', `${task} is unhealthy`);
      node.flipHealth(task, faults.between(500, 20_000));
      return;
    }
    case 'jump-clock': {
      const ms = faults.pick([-3_600_000, -10_000, 10_000, 3_600_000]);
      world.trace.add('FAULT', `sets the clocks by ${ms} ms`);
      world.clockJumps += 1;
      world.queue.jumpEpoch(ms);
      return;
    }
    case 'database-away': {
      const forMs = faults.between(100, 30_000);
      world.trace.add('FAULT', `the database is away for ${Math.round(forMs)} ms`);
      leases.setAvailable(false);
      world.after(forMs, () => leases.setAvailable(true));
      return;
    }
    default:
      fault satisfies never;
  }
}

/** Its tasks may end: those the master knows, those on its host, and those on their way there that no new master knows. */
export function giveUp(
  { agents, observer }: Pick<FaultTargets, 'agents' | 'observer'>,
  agent: MasterAgent | undefined,
): void {
  const node = agents.find(({ name }) => name === agent?.info.hostname);
  const why = 'an operator gave its agent up';
  for (const task of agent?.tasks ?? []) observer.survival.mayEndAt(task, why);
  for (const task of node?.host.tasks.keys() ?? []) observer.survival.mayEnd(task, why);
  for (const instance of observer.instances?.values() ?? []) {
    if (instance.placement === undefined || instance.placement.agentId !== agent?.id) continue;
    for (const { taskId } of tasksOf(instance)) observer.survival.mayEnd(taskId, why);
  }
}
