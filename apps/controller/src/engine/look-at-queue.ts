import { readyEntries } from '#deployment';
import type { EngineContext } from './engine-context.js';
import { leftoversWaitMs } from './leftovers.js';

/** Offers are wanted while something may be launched, and for a while when something may be given back. */
export function lookAtQueue(context: EngineContext): {
  readonly wants: boolean;
  readonly nextInMs?: number;
} {
  const { queue, backOffs } = context.memory;
  const { ready, nextInMs } = readyEntries(queue, backOffs, context.ports.clock.now());
  const leftoversMs = leftoversWaitMs(context);
  const waits = [nextInMs ?? 0, leftoversMs].filter((waitMs) => waitMs > 0);
  return {
    wants: ready.length > 0 || leftoversMs > 0,
    ...(waits.length === 0 ? {} : { nextInMs: Math.min(...waits) }),
  };
}
