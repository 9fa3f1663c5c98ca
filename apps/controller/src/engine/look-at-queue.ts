import { delayLeftMs, readyEntries } from '#deployment';
import type { EngineContext } from './engine-context.js';
import { leftoversWaitMs } from './leftovers.js';

/**
 * Offers are wanted while something may be launched, always for a daemon, and for a while when something may be given
 * back. `nextInMs`: when the first thing that is delayed may be launched, or nothing is to be given back any more.
 */
export function lookAtQueue(context: EngineContext): {
  readonly wants: boolean;
  readonly nextInMs?: number;
} {
  const { queue, backOffs, daemons } = context.memory;
  const now = context.ports.clock.now();
  const { ready, nextInMs } = readyEntries(queue, backOffs, now);
  const leftoversMs = leftoversWaitMs(context);
  const waits = [nextInMs ?? 0, leftoversMs];
  for (const [id, watch] of daemons) {
    const delayMs = delayLeftMs(backOffs.get(id), watch.app, now);
    waits.push(delayMs > 0 ? delayMs : (watch.nextInMs(now) ?? 0));
  }
  const next = waits.reduce(
    (first, waitMs) => (waitMs > 0 ? Math.min(first, waitMs) : first),
    Number.POSITIVE_INFINITY,
  );
  return {
    wants: ready.length + daemons.size > 0 || leftoversMs > 0,
    ...(Number.isFinite(next) ? { nextInMs: next } : {}),
  };
}
