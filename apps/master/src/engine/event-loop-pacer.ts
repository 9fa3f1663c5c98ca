import { performance } from 'node:perf_hooks';
import type { Pacer } from './master-ports.js';

/** As long as a turn lasts, milliseconds; what is under way then is finished. */
const TURN_MS = 5;
/** Of who is behind: others still get through, and what is to be done does not grow for ever. */
const LONG_TURN_MS = 30;

/**
 * Turns of the event loop: each begins when everything that has come in was read, so that what it leads to for one
 * stream is written together.
 */
export class EventLoopPacer implements Pacer {
  private endMs = 0;

  turn({ isBehind } = { isBehind: false }): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.endMs = performance.now() + (isBehind ? LONG_TURN_MS : TURN_MS);
        resolve();
      });
    });
  }

  get isOver(): boolean {
    return performance.now() >= this.endMs;
  }
}
