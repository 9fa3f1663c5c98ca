import { type AppId, type Instance, isTerminalCondition } from '#core';
import { isServing } from '#deployment';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { toFacts } from './instance-facts.js';

/**
 * Which services can do without those of their instances that are out of sight: as many others as are wanted have been
 * launched, and one of them serves. Until then an instance is not forgotten, whatever its expungeAfterSeconds: an agent
 * that was away for a moment brings back what runs and serves there, and nothing has to be killed and started for it.
 * Daemons and jobs have nobody stand in: they always can. Each app is looked at once. O(instances of the apps asked for).
 */
export class StandIns {
  private readonly known = new Map<AppId, boolean>();

  constructor(
    private readonly context: EngineContext,
    private readonly draft: Draft,
  ) {}

  areThere(id: AppId): boolean {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const areThere = this.look(id);
    this.known.set(id, areThere);
    return areThere;
  }

  private look(id: AppId): boolean {
    const app = this.draft.root.apps.get(id);
    if (app === undefined || (app.workload ?? 'service') !== 'service') return true;
    let launched = 0;
    let serves = false;
    for (const instance of this.draft.instancesOf(id).values()) {
      if (!isInSight(instance)) continue;
      launched += 1;
      serves ||= this.serves(instance);
      if (launched >= app.instances && serves) return true;
    }
    return app.instances === 0;
  }

  private serves(instance: Instance): boolean {
    if (instance.condition !== 'Running') return false;
    const about = { routers: 'unknown', needsReadiness: false } as const;
    return isServing(toFacts(this.context, this.draft, instance, about));
  }
}

const isInSight = ({ goal, condition }: Instance): boolean =>
  goal === 'Running' &&
  condition !== 'Scheduled' &&
  condition !== 'Unreachable' &&
  condition !== 'UnreachableInactive' &&
  !isTerminalCondition(condition);
