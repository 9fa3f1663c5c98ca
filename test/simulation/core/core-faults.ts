import { type FaultTargets, injectFault } from '../faults.js';
import type { FrameworkNode } from './framework-node.js';

/** Part of the faults that are about frameworks; the rest are those of any cluster. */
const FRAMEWORK_FAULTS = 0.2;
/** Part of them that is about executors, where there are any. */
const EXECUTOR_FAULTS = 0.15;

/** Does one thing that should not happen, and does. */
export function injectCoreFault(
  targets: Omit<FaultTargets, 'clients'> & { readonly frameworks: readonly FrameworkNode[] },
): void {
  const { world, frameworks } = targets;
  const { faults } = world.random;
  if (faults.chance(EXECUTOR_FAULTS) && disturbExecutor(targets)) return;
  if (!faults.chance(FRAMEWORK_FAULTS)) {
    const clients = frameworks.flatMap(({ processes }) =>
      processes.map((process) => ({ process, isLeading: false })),
    );
    if (clients.length > 0) injectFault({ ...targets, clients });
    return;
  }
  const node = faults.pick(frameworks);
  const drawn = faults.next();
  if (drawn < 0.6) {
    world.trace.add('FAULT', `starts a second ${node.name}`);
    node.start();
  } else if (drawn < 0.8) {
    world.trace.add('FAULT', `has ${node.name} end its registration`);
    node.tearDown();
  } else {
    operatorTearsDown(targets, node);
  }
}

/** Crashes one, or cuts it off. False: there is none. */
function disturbExecutor({ agents, world }: Pick<FaultTargets, 'agents' | 'world'>): boolean {
  const live = agents.flatMap(({ host }) => host.liveExecutors());
  if (live.length === 0) return false;
  const { faults } = world.random;
  const executor = faults.pick(live);
  if (faults.chance(0.35)) executor.die({ kind: 'signalled', signal: 9 });
  else executor.breakStream();
  return true;
}

function operatorTearsDown(
  { masters, world }: Pick<FaultTargets, 'masters' | 'world'>,
  { name, disk }: FrameworkNode,
): void {
  const engine = masters.find(({ isLeading }) => isLeading)?.engine;
  if (engine === undefined || disk.frameworkId === undefined) return;
  world.trace.add('FAULT', `the operator ends ${name}`);
  const framework_id = { value: disk.frameworkId };
  void engine.callFromOperator({ call: { type: 'TEARDOWN', teardown: { framework_id } } });
}
