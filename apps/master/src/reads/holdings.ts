import type { MasterAgent, MasterFramework, MasterTask } from '#cluster';
import type { Resources } from '#core';
import { HeldSum } from './held-sum.js';

const holds = (task: MasterTask): boolean => task.holdsResources;

/** What tasks and offers hold of each agent and for each framework, counted by difference. */
export class Holdings {
  private readonly used = new WeakMap<MasterAgent | MasterFramework, HeldSum>();
  private readonly offered = new WeakMap<MasterAgent | MasterFramework, HeldSum>();

  /** The same object while nothing changed. O(tasks of the agent), a comparison each. */
  usedOn(agent: MasterAgent): Resources {
    const isThere = (task: MasterTask): boolean => task.holdsResources && agent.tasks.has(task);
    return sumFor(this.used, agent).update(() => agent.tasks, holds, isThere);
  }

  usedBy(framework: MasterFramework): Resources {
    const isThere = (task: MasterTask): boolean =>
      task.holdsResources && framework.tasks.get(task.id) === task;
    return sumFor(this.used, framework).update(() => framework.tasks.values(), holds, isThere);
  }

  offeredOf(one: MasterAgent | MasterFramework): Resources {
    return sumFor(this.offered, one).update(
      () => one.offers,
      () => true,
      (offer) => one.offers.has(offer),
    );
  }
}

function sumFor<Key extends object>(sums: WeakMap<Key, HeldSum>, key: Key): HeldSum {
  const known = sums.get(key);
  if (known !== undefined) return known;
  const made = new HeldSum();
  sums.set(key, made);
  return made;
}
