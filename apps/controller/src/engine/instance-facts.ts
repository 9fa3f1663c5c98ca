import type { App, Instance } from '#core';
import {
  type InstanceFacts,
  isDrained,
  isRoutedApp,
  type KnownRouters,
  type Readiness,
} from '#deployment';
import { fieldValue } from '#matcher';
import { configVersionOf, definitionOf } from './definitions.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { evictionOf } from './leave-agents.js';

/** Brings together what a rollout looks at in one instance. */
export function toFacts(
  context: EngineContext,
  draft: Draft,
  instance: Instance,
  about: { readonly routers: KnownRouters; readonly needsReadiness: boolean },
): InstanceFacts {
  const app = definitionOf(context, draft.root, instance);
  const condemned = context.health.condemnedOf(instance.id);
  const { draining } = instance;
  const evicted = evictionOf(context, instance, app, draft.now);
  return {
    id: instance.id,
    configVersion: configVersionOf(context, draft.root, instance),
    condition: instance.condition,
    isKilling: instance.goal !== 'Running' || instance.condition === 'Killing',
    ...(draining === undefined
      ? {}
      : {
          draining: {
            isDone: isDrained(
              {
                taskId: instance.taskId,
                deadlineMonoMs: context.memory.elapsed.drainDeadlineMonoMs(instance, draft.now),
              },
              about.routers,
              draft.now.monoMs,
            ),
            deadlineEpochMs: draining.deadlineEpochMs,
          },
        }),
    health: healthOf(context, instance, app),
    readiness: about.needsReadiness ? readinessOf(context, instance) : 'ready',
    isRouted: isRoutedApp(app),
    ...(condemned === undefined ? {} : { condemned }),
    ...(evicted === undefined ? {} : { evicted }),
    ...(instance.placement === undefined ? {} : { agentId: instance.placement.agentId }),
    stagedAtEpochMs: instance.stagedAtEpochMs ?? instance.createdAtEpochMs,
    groups: groupValues(app, instance),
  };
}

/** No result is `unknown` only for what ran before this engine: what started since has simply not passed yet. */
function healthOf(
  context: EngineContext,
  instance: Instance,
  app: App | undefined,
): InstanceFacts['health'] {
  const verdict = context.health.verdictOf(instance.id, app);
  const isOurs = context.memory.startedHere.has(instance.id);
  return verdict === 'unknown' && isOurs ? 'pending' : verdict;
}

/** As with health, what started since this engine did and has no result has simply not passed yet. */
function readinessOf(context: EngineContext, instance: Instance): Readiness {
  const verdict = context.readiness.verdictOf(instance.id);
  const isOurs = context.memory.startedHere.has(instance.id);
  return verdict === 'unknown' && isOurs ? 'not-ready' : verdict;
}

function groupValues(app: App | undefined, instance: Instance): readonly string[] {
  if (app === undefined || app.constraints.length === 0) return [];
  const { placement } = instance;
  if (placement === undefined) return [];
  return app.constraints
    .filter(([, operator]) => operator === 'GROUP_BY')
    .map(([field]) => fieldValue(placement, field) ?? '');
}
