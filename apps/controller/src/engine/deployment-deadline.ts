import type { Deployment, Now } from '#core';
import type { EngineMemory } from './engine-memory.js';

/**
 * What is left of a deployment's time, milliseconds; undefined without a deadline, or while it stands still. The stored
 * moment is turned into one on the monotonic clock when it is first looked at: a jump of the wall clock expires nothing.
 */
export function deadlineLeftMs(
  { deployments }: Pick<EngineMemory, 'deployments'>,
  { id, deadlineEpochMs, limits }: Deployment,
  now: Now,
): number | undefined {
  if (deadlineEpochMs === undefined) return undefined;
  const memory = deployments.get(id);
  if (memory?.deadline?.epochMs === deadlineEpochMs) return memory.deadline.monoMs - now.monoMs;
  const allowedMs = (limits?.deadlineSeconds ?? 0) * 1000;
  const leftMs = Math.min(allowedMs, deadlineEpochMs - now.epochMs);
  if (memory !== undefined) {
    memory.deadline = { epochMs: deadlineEpochMs, monoMs: now.monoMs + leftMs };
  }
  return leftMs;
}
