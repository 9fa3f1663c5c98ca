import type { Deployment, Now } from '#core';
import { appsAwaitingPromotion } from '#deployment';
import { deadlineLeftMs } from './deployment-deadline.js';
import type { EngineContext } from './engine-context.js';
import type { EngineMemory } from './engine-memory.js';
import { isoTime } from './marathon-events.js';

/** What holds a deployment, and what is left of its limits: the first things to know about one that does not end. */
export function explainHold(
  context: EngineContext,
  deployment: Deployment,
  now: Now,
): readonly string[] {
  return [
    ...explainStore(context),
    ...explainPause(deployment),
    ...appsAwaitingPromotion(deployment).map((app) => {
      const sinceEpochMs = deployment.progress?.[app]?.canaryWaitsSinceEpochMs ?? 0;
      return `${app}: waits for promotion of its canaries since ${isoTime(sinceEpochMs)}: promote or abort`;
    }),
    ...explainDeadline(context.memory, deployment, now),
    ...explainBudget(deployment),
  ];
}

/** Everything waits for the database while it is away. */
export const explainStore = ({ commits }: EngineContext): readonly string[] =>
  commits.isStoreAway
    ? ['the database is away: nothing begins, and nothing ends, until it is back']
    : [];

function explainPause({ pause }: Deployment): readonly string[] {
  if (pause === undefined) return [];
  const { by, afterBatch, sinceEpochMs } = pause;
  const who = by === undefined ? '' : ` by ${by}`;
  const after =
    afterBatch === undefined
      ? ''
      : ` after batch ${afterBatch.batch} of ${afterBatch.batches} of ${afterBatch.app}`;
  return [`paused${who} since ${isoTime(sinceEpochMs)}${after}: resume to go on`];
}

function explainDeadline(
  memory: EngineMemory,
  deployment: Deployment,
  now: Now,
): readonly string[] {
  const { limits, deadlineLeftMs: keptMs } = deployment;
  const leftMs = deadlineLeftMs(memory, deployment, now) ?? keptMs;
  if (limits === undefined || leftMs === undefined) return [];
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const then = limits.autoRollback ? 'fails and is rolled back' : 'fails';
  return keptMs === undefined
    ? [`deadline in ${seconds} s, then it ${then}`]
    : [`deadline stands still with ${seconds} s left`];
}

function explainBudget({ limits, failures = 0 }: Deployment): readonly string[] {
  if (limits?.maxFailures === undefined) return [];
  return [`failure budget: ${failures} of ${limits.maxFailures} failures of new instances so far`];
}
