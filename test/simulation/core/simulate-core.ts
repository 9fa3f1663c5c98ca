import { addResources, resources } from '#core';
import { FakeLeaseKeeper } from '../../support/fake-lease-keeper.js';
import { FakeMasterRegistry } from '../../support/fake-master-registry.js';
import { settle } from '../../support/virtual-clock.js';
import { AGENT_RESOURCES, AgentNode } from '../agent-node.js';
import { checkHost, checkMaster } from '../ledger-checks.js';
import { MasterNode } from '../master-node.js';
import { Network } from '../network.js';
import type { SimulationResult } from '../simulate.js';
import type { SimulatedExecutor } from '../simulated-executor.js';
import { World } from '../world.js';
import { injectCoreFault } from './core-faults.js';
import { type Demand, drawDemand, drawHabits, durationOf } from './demand.js';
import { EntitlementWatch } from './entitlement-watch.js';
import { CoreExecutorWatch } from './executor-watch.js';
import { FrameworkNode } from './framework-node.js';
import { watchLife } from './life-watch.js';
import type { CoreMutant } from './mutant.js';
import { OfferWatch } from './offer-watch.js';
import { OperatorDesk } from './operator-desk.js';
import { RegistryWatch } from './registry-watch.js';
import { RemovalWatch } from './removal-watch.js';
import { findUnserved } from './served.js';
import { TaskWatch } from './task-watch.js';

export interface CoreSimulationOptions {
  readonly seed: number;
  /** A deliberate bug, for showing that it is found. */
  readonly mutant?: CoreMutant;
}

/** Those of the other simulation, and room for executors: what they hold beside their tasks must not starve a demand. */
const HOST_RESOURCES = addResources(AGENT_RESOURCES, resources({ cpus: 0.5, mem: 1_024 }));
const FAULTS_END_MS = 30_000;
/** Every timer of the system has run by then. */
const SERVED_LIMIT_MS = 1_200_000;
/** Part of what users ask: that tasks be replaced. */
const RESTARTS = 0.5;
const LOOK_MS = 1_000;
/** It must be as demanded this long, not by accident. */
const STEADY_MS = 3_000;

/** Runs one seed of masters, agents and frameworks to its end, or to the first broken promise. */
export async function simulateCore(options: CoreSimulationOptions): Promise<SimulationResult> {
  const world = new World(options.seed, { isCalm: false });
  const cluster = build(world, options);
  const end = watchEnd(world, cluster);
  drive(world, cluster);
  let steps = 0;
  while (world.violation === undefined && !end.isOver) {
    if (!world.queue.runNext()) break;
    steps += 1;
    await settle();
    check(world, cluster);
  }
  return {
    seed: options.seed,
    violation: world.violation,
    hash: world.trace.hash,
    steps,
    virtualMs: world.nowMs,
    convergedAfterMs: end.servedAfterMs,
    acceptedChanges: cluster.frameworks.length,
    trace: (lines) => world.trace.last(lines),
  };
}

type Cluster = ReturnType<typeof build>;

function build(world: World, options: CoreSimulationOptions) {
  const { workload } = world.random;
  const network = new Network(world);
  const leases = new FakeLeaseKeeper(() => world.queue.now());
  const registry = new FakeMasterRegistry(leases);
  const mutant = options.mutant === undefined ? {} : { mutant: options.mutant };
  const observer: TaskWatch = new TaskWatch({
    world,
    leases,
    agents: () => agents,
    frameworks: () => frameworks,
  });
  const removal = new RemovalWatch(world);
  const executors = new CoreExecutorWatch(world, observer);
  const config = {
    offerTimeoutMs: workload.pick([8_000, 30_000, 120_000]),
    quotaRecoveryTimeoutMs: 20_000,
    agentReregisterTimeoutMs: workload.pick([25_000, 60_000]),
  };
  const masters = names('master', workload.chance(0.3) ? 3 : 2).map(
    (name) =>
      new MasterNode(name, {
        world,
        disk: { leases, registry },
        observer,
        ...mutant,
        engine: () =>
          watchLife(
            [
              new OfferWatch(world),
              new RegistryWatch({ world, registry, leases }),
              new EntitlementWatch(world),
              observer.life(),
              removal,
            ],
            { config, ...mutant },
          ),
      }),
  );
  const agents: readonly AgentNode[] = names('agent', workload.integer(3, 5)).map(
    (name, index) =>
      new AgentNode(name, index + 1, {
        world,
        network,
        masters,
        observer,
        ...mutant,
        resources: HOST_RESOURCES,
        durationMs: ({ command }) => durationOf(command.value),
        executors: {
          watch: executors,
          durationMs: ({ data }) => durationOf(data === undefined ? undefined : atob(data)),
        },
      }),
  );
  const frameworks: readonly FrameworkNode[] = names('framework', workload.integer(3, 5)).map(
    (name) => buildFramework(name, { world, network, masters, observer, ...mutant }),
  );
  const hostVersions = new Map<AgentNode, number>();
  const desk = new OperatorDesk({ world, masters });
  const hostWatch = {
    definition: (task: string) => observer.definition(task),
    executorResources: (executor: SimulatedExecutor) => executors.resourcesOf(executor),
  };
  const nodes = { masters, agents, frameworks };
  return { network, leases, observer, removal, ...nodes, desk, hostVersions, hostWatch };
}

function buildFramework(
  name: string,
  parts: Omit<ConstructorParameters<typeof FrameworkNode>[2], 'random'>,
): FrameworkNode {
  const random = parts.world.random.workload.fork();
  const habits = drawHabits(name, random);
  const demands: Demand[] = names('demand', random.integer(1, 3)).map((id) =>
    drawDemand(id, habits, random),
  );
  return new FrameworkNode(habits, demands, { ...parts, random });
}

/** Lets users and faults have their turns until it is to be quiet. */
function drive(world: World, cluster: Cluster): void {
  const { workload, faults } = world.random;
  const faultEveryMs = faults.between(400, 5_000);
  const work = () => {
    if (world.nowMs >= FAULTS_END_MS) return;
    changeDemand(world, cluster);
    world.after(workload.between(500, 6_000), work);
  };
  const fail = () => {
    if (world.nowMs >= FAULTS_END_MS) return;
    injectCoreFault({ ...cluster, world });
    world.after(faults.between(0, 2 * faultEveryMs), fail);
  };
  const operate = () => {
    if (world.nowMs >= FAULTS_END_MS) cluster.desk.settle();
    else cluster.desk.decide();
    world.after(world.nowMs >= FAULTS_END_MS ? 2_000 : faults.between(1_000, 9_000), operate);
  };
  world.after(4_000, work);
  // Not every cluster has somebody who looks after it.
  if (faults.chance(0.5)) world.after(2_000, operate);
  world.after(3_000, fail);
  world.after(FAULTS_END_MS, () => {
    world.trace.add('world', 'nothing fails from here on');
    world.isFaulty = false;
    const { masters, agents, frameworks } = cluster;
    for (const { process } of [...masters, ...agents]) process.spare();
    for (const { processes } of frameworks) for (const process of processes) process.spare();
  });
}

function changeDemand(world: World, { frameworks }: Cluster): void {
  const { workload } = world.random;
  const node = workload.pick(frameworks);
  if (workload.chance(RESTARTS)) {
    world.trace.add('user', `restarts tasks of ${node.name}`);
    node.restart();
    if (workload.chance(0.4)) node.changeRoles();
    return;
  }
  const demand = workload.pick(node.demands);
  demand.count =
    demand.kind === 'batch' ? demand.count + workload.integer(1, 4) : workload.integer(0, 3);
  world.trace.add('user', `wants ${demand.count} ${demand.id} of ${node.name}`);
  node.poke();
}

function check(world: World, cluster: Cluster): void {
  for (const master of cluster.masters) {
    if (!world.touched.has(master.name) || master.engine === undefined) continue;
    const problem = checkMaster(master.engine);
    if (problem !== undefined) world.violate(problem);
    cluster.observer.survival.check(master.engine);
  }
  for (const node of cluster.agents) {
    if (world.touched.has(node.name)) cluster.observer.noteRefusals(node);
  }
  world.touched.clear();
  for (const node of cluster.agents) {
    if (cluster.hostVersions.get(node) === node.host.version) continue;
    cluster.hostVersions.set(node, node.host.version);
    const problem = checkHost(node, cluster.hostWatch);
    if (problem !== undefined) world.violate(problem);
  }
}

/** Looks every second once it is quiet. */
function watchEnd(world: World, cluster: Cluster) {
  const state: { isOver: boolean; servedAfterMs: number | undefined } = {
    isOver: false,
    servedAfterMs: undefined,
  };
  let steadySinceMs: number | undefined;
  const look = () => {
    const unserved = findUnserved(cluster);
    if (unserved.length > 0) steadySinceMs = undefined;
    else steadySinceMs ??= world.nowMs;
    if (steadySinceMs !== undefined && world.nowMs - steadySinceMs >= STEADY_MS) {
      state.servedAfterMs = steadySinceMs - FAULTS_END_MS;
      state.isOver = true;
    } else if (world.nowMs - FAULTS_END_MS > SERVED_LIMIT_MS) {
      const minutes = SERVED_LIMIT_MS / 60_000;
      world.violate(`not as demanded after ${minutes} quiet minutes: ${unserved.join('; ')}`);
      state.isOver = true;
    } else world.after(LOOK_MS, look);
  };
  world.after(FAULTS_END_MS + LOOK_MS, look);
  return state;
}

const names = (kind: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`);
