import type { Instance } from '#core';
import { definitionOf } from './definitions.js';
import type { EngineContext } from './engine-context.js';
import type { EngineEffect } from './engine-effect.js';

/** The request to end a task, with the grace period its app has by now. */
export function toKill(
  context: Pick<EngineContext, 'memory' | 'state'>,
  { appId, appVersion, taskId, placement }: Instance,
): EngineEffect {
  const app = definitionOf(context, context.state.root, { appId, appVersion });
  const graceSeconds = app?.taskKillGracePeriodSeconds;
  return {
    kind: 'kill-task',
    taskId,
    ...(placement === undefined ? {} : { agentId: placement.agentId }),
    ...(graceSeconds === undefined ? {} : { graceSeconds }),
  };
}
