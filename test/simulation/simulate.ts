import { StoreUnavailableError } from '#core';
import { FakeLeaseKeeper } from '../support/fake-lease-keeper.js';
import { FakeMasterRegistry } from '../support/fake-master-registry.js';
import { settle } from '../support/virtual-clock.js';
import { AgentNode } from './agent-node.js';
import { CapacityWatch } from './capacity-watch.js';
import { ClusterOperator } from './cluster-operator.js';
import { ControllerNode } from './controller-node.js';
import { findDifferences } from './convergence.js';
import { injectFault } from './faults.js';
import { checkHost, checkMaster } from './ledger-checks.js';
import { MasterNode } from './master-node.js';
import type { Mutant } from './mutants.js';
import { Network } from './network.js';
import { ObservedStore, Observer } from './observer.js';
import { WaitingWatch } from './waiting-watch.js';
import { Workload } from './workload.js';
import { World } from './world.js';

export interface SimulationOptions {
  readonly seed: number;
  /** Nothing fails: for promises that hold only then. */
  readonly isCalm?: boolean;
  /** A deliberate bug, for showing that it is found. */
  readonly mutant?: Mutant;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violation: string | undefined;
  readonly hash: string;
  readonly steps: number;
  readonly virtualMs: number;
  /** From the end of the faults until declared was what ran. */
  readonly convergedAfterMs: number | undefined;
  readonly acceptedChanges: number;
  readonly trace: (lines: number) => readonly string[];
}

const FAULTS_END_MS = 90_000;
const CALM_END_MS = 60_000;
/** Every timer of the system has run by then. */
const CONVERGENCE_LIMIT_MS = 2_400_000;
const LOOK_MS = 1_000;
/** Of the faults those by which an agent is taken out of service. */
const DRAIN_SHARE = 0.02;
/** Declared must be what runs this long, not by accident. */
const STEADY_MS = 15_000;

/** Runs one seed to its end, or to the first broken promise. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const isCalm = options.isCalm === true;
  const world = new World(options.seed, { isCalm });
  const cluster = build(world, options);
  const quietAtMs = isCalm ? CALM_END_MS : FAULTS_END_MS;
  const convergence = watchConvergence(world, cluster, quietAtMs);
  drive(world, cluster, { quietAtMs, isCalm });
  let steps = 0;
  while (world.violation === undefined && !convergence.isOver) {
    if (!world.queue.runNext()) break;
    steps += 1;
    await settle();
    check(world, cluster, isCalm);
  }
  return {
    seed: options.seed,
    violation: world.violation,
    hash: world.trace.hash,
    steps,
    virtualMs: world.nowMs,
    convergedAfterMs: convergence.convergedAfterMs,
    acceptedChanges: cluster.workload.accepted,
    trace: (lines) => world.trace.last(lines),
  };
}

type Cluster = ReturnType<typeof build>;

function build(world: World, options: SimulationOptions) {
  const network = new Network(world);
  const mutant = options.mutant === undefined ? {} : { mutant: options.mutant };
  const observer = new Observer(world, {
    isRunning: (task) => agents.some(({ host }) => host.tasks.get(task)?.state === 'running'),
    isHealthy: ({ taskId }) =>
      controllers.find(({ isLeader }) => isLeader)?.engine?.view.instanceOfTask(taskId)?.healthy,
  });
  const leases = new FakeLeaseKeeper(() => world.queue.now());
  const registry = new FakeMasterRegistry(leases);
  const masters = ['master-1', 'master-2'].map(
    (name) => new MasterNode(name, { world, disk: { leases, registry }, observer, ...mutant }),
  );
  const agents: readonly AgentNode[] = ['agent-1', 'agent-2', 'agent-3'].map((name, index) => {
    return new AgentNode(name, index + 1, {
      world,
      network,
      masters,
      observer,
      durationMs: ({ taskId }) => jobDurationMs(world, observer, taskId),
      ...mutant,
    });
  });
  const store = new ObservedStore(leases, observer, () => {
    const isLost = world.isFaulty && world.random.faults.chance(0.005);
    if (isLost) throw new StoreUnavailableError('the connection broke during COMMIT');
  });
  const controllers = ['control-1', 'control-2'].map(
    (name) =>
      new ControllerNode(name, {
        world,
        network,
        masters,
        agents,
        observer,
        leases,
        store,
        ...mutant,
      }),
  );
  const capacity = new CapacityWatch({ world, observer, agents });
  const workload = new Workload({
    world,
    controllers,
    observer,
    onAccepted: (name, app) => capacity.changed(name, app),
    isGentle: options.isCalm === true,
  });
  observer.deploymentWatch.onUndone = (app) => {
    workload.acknowledged.undone(app);
    capacity.changed(app, observer.apps.get(app));
  };
  const operator = new ClusterOperator({
    ...{ world, masters, agents, controllers, observer, workload },
  });
  const waiting = new WaitingWatch({ world, observer, controllers });
  const hostVersions = new Map<AgentNode, number>();
  return {
    network,
    observer,
    leases,
    masters,
    agents,
    controllers,
    capacity,
    workload,
    operator,
    waiting,
    hostVersions,
  };
}

/** A job is done some time after it began; everything else runs until it is ended. */
function jobDurationMs(world: World, observer: Observer, task: string): number | undefined {
  const app = observer.apps.get(observer.appOf(task) ?? '');
  return app?.workload === 'job' ? world.random.hosts.between(300, 12_000) : undefined;
}

/** Lets clients and faults have their turns until it is to be quiet. */
function drive(
  world: World,
  cluster: Cluster,
  limits: { readonly quietAtMs: number; readonly isCalm: boolean },
): void {
  const { workload, faults } = world.random;
  const faultEveryMs = faults.between(500, 6_000);
  const work = () => {
    if (world.nowMs >= limits.quietAtMs) return;
    void cluster.workload.step();
    world.after(workload.between(200, limits.isCalm ? 6_000 : 8_000), work);
  };
  const fail = () => {
    if (world.nowMs >= limits.quietAtMs) return;
    if (faults.chance(DRAIN_SHARE)) cluster.operator.drainAgent();
    else injectFault({ ...cluster, clients: cluster.controllers, world });
    world.after(faults.between(0, 2 * faultEveryMs), fail);
  };
  world.after(2_000, work);
  if (!limits.isCalm) world.after(4_000, fail);
  world.after(limits.quietAtMs, () => {
    world.trace.add('world', 'nothing fails from here on');
    world.isFaulty = false;
    const { masters, agents, controllers } = cluster;
    for (const { process } of [...masters, ...agents, ...controllers]) process.spare();
    cluster.operator.settle();
  });
}

function check(world: World, cluster: Cluster, isCalm: boolean): void {
  for (const master of cluster.masters) {
    if (!world.touched.has(master.name) || master.engine === undefined) continue;
    const problem = checkMaster(master.engine);
    if (problem !== undefined) world.violate(problem);
    cluster.observer.survival.check(master.engine);
  }
  world.touched.clear();
  let hasChanged = false;
  for (const node of cluster.agents) {
    if (cluster.hostVersions.get(node) === node.host.version) continue;
    cluster.hostVersions.set(node, node.host.version);
    hasChanged = true;
    const problem = checkHost(node, cluster.observer);
    if (problem !== undefined) world.violate(problem);
  }
  if (isCalm && hasChanged) cluster.capacity.check();
}

/** Looks every second once it is quiet. */
function watchConvergence(world: World, cluster: Cluster, quietAtMs: number) {
  const state: { isOver: boolean; convergedAfterMs: number | undefined } = {
    isOver: false,
    convergedAfterMs: undefined,
  };
  let steadySinceMs: number | undefined;
  const look = () => {
    const differences = findDifferences(cluster);
    cluster.waiting.look();
    if (differences.length > 0) steadySinceMs = undefined;
    else steadySinceMs ??= world.nowMs;
    if (steadySinceMs !== undefined && world.nowMs - steadySinceMs >= STEADY_MS) {
      cluster.workload.check();
      state.convergedAfterMs = steadySinceMs - quietAtMs;
      state.isOver = true;
    } else if (world.nowMs - quietAtMs > CONVERGENCE_LIMIT_MS) {
      const minutes = CONVERGENCE_LIMIT_MS / 60_000;
      world.violate(`not as declared after ${minutes} quiet minutes: ${differences.join('; ')}`);
      state.isOver = true;
    } else world.after(LOOK_MS, look);
  };
  world.after(quietAtMs + LOOK_MS, look);
  return state;
}
