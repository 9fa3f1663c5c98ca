/** How often a restarted agent looks for what it launched before. */

const REATTACH_RETRY_MS = 1_000;
const REATTACH_RETRY_MAX_MS = 30_000;

/** Milliseconds until the next look: back-off to half a minute. */
export const reattachDelayMs = (attempts: number): number =>
  Math.min(REATTACH_RETRY_MS * 2 ** attempts, REATTACH_RETRY_MAX_MS);
