import { type DeploymentStep, isTerminalCondition, type RootGroup } from '#core';
import { isOutdated } from '#deployment';
import type { AppRestart } from './controller-engine.port.js';
import { configVersionOf } from './definitions.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';

/** Instances named in one answer at most; the others are counted. */
export const MAX_NAMED_INSTANCES = 1_000;

/** The instances that a plan replaces by ones of another configuration. O(instances of the restarted apps). */
export function nameRestarts(
  context: EngineContext,
  draft: Draft,
  {
    original,
    steps,
    target,
  }: {
    readonly original: RootGroup;
    readonly steps: readonly DeploymentStep[];
    readonly target: RootGroup;
  },
): readonly AppRestart[] {
  let left = MAX_NAMED_INSTANCES;
  return steps.flatMap(({ actions }) =>
    actions.flatMap(({ kind, app: id }): readonly AppRestart[] => {
      const app = target.apps.get(id);
      if (kind !== 'RestartApplication' || app === undefined) return [];
      const replaced = [...draft.instancesOf(id).values()]
        .filter(({ condition, goal }) => !isTerminalCondition(condition) && goal === 'Running')
        .filter((instance) => isOutdated(configVersionOf(context, original, instance), app))
        .map((instance) => instance.id);
      const instances = replaced.slice(0, left);
      left -= instances.length;
      return [{ app: id, count: replaced.length, instances }];
    }),
  );
}
