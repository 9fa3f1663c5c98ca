import type { Now } from '#core';
import { delayLeftMs, readyEntries } from '#deployment';
import type { EngineMemory } from './engine-memory.js';

/** Whether offers are wanted now, and when the next thing that is delayed may be launched. A daemon always wants them. */
export function lookAtQueue(
  { queue, backOffs, daemons }: EngineMemory,
  now: Now,
): { readonly wants: boolean; readonly nextInMs?: number } {
  const { ready, nextInMs } = readyEntries(queue, backOffs, now);
  let next = nextInMs ?? Number.POSITIVE_INFINITY;
  for (const [id, watch] of daemons) {
    const delayMs = delayLeftMs(backOffs.get(id), watch.app, now);
    next = Math.min(next, delayMs > 0 ? delayMs : (watch.nextInMs(now) ?? next));
  }
  const wants = ready.length + daemons.size > 0;
  return Number.isFinite(next) ? { wants, nextInMs: next } : { wants };
}
