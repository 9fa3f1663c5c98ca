import { tellOfInstance } from './deployment-story.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import type { HealthNews } from './health-monitor.js';
import {
  failedHealthCheck,
  healthStatusChanged,
  instanceHealthChanged,
} from './marathon-events.js';

/** Tells the world about a change of health and lets the rollout look at the app. Results themselves are not stored. */
export function noteHealthNews(context: EngineContext, news: HealthNews): void {
  const { instance, effects } = news;
  const isChange = effects.some(({ kind }) => kind !== 'failure-counted');
  if (!isChange) return;
  context.memory.touch(instance.appId);
  context.evaluateSoon([instance.appId]);
  context.commits
    .submit({ whenUnavailable: 'retry', run: (draft) => emitHealth(draft, news) })
    .catch((error: unknown) =>
      context.ports.log?.warn('health events are not stored', { reason: String(error) }),
    );
}

function emitHealth(draft: Draft, { instance, effects, verdict, healthCheck }: HealthNews): void {
  draft.touch(instance.appId);
  for (const effect of effects) {
    switch (effect.kind) {
      case 'alive-changed':
        draft.emit(healthStatusChanged(instance, effect.alive));
        tellOfInstance(draft, instance, effect.alive ? 'healthy' : 'unhealthy');
        draft.emit(instanceHealthChanged(instance, toHealthy(verdict)));
        break;
      case 'failure-counted':
        // One event for the first failure of a run; the count is part of the task's health results.
        if (effect.consecutiveFailures === 1) draft.emit(failedHealthCheck(instance, healthCheck));
        break;
      case 'condemned':
        draft.emit(failedHealthCheck(instance, healthCheck));
        break;
      default:
        effect satisfies never;
    }
  }
}

const toHealthy = (verdict: HealthNews['verdict']): boolean | null => {
  if (verdict === 'healthy') return true;
  return verdict === 'unhealthy' ? false : null;
};
