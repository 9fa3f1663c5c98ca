/**
 * Of signals that close together one key press is the cause: Ctrl-C at a terminal reaches every process of the group, and
 * npm, being one of them, passes it on to us once more.
 */
const ONE_PRESS_MS = 1_000;

/** What a signal to stop asks for; times are of one steady clock, `firstAtMs` of the first signal if there was one. */
export function judgeStopSignal(
  firstAtMs: number | undefined,
  nowMs: number,
): 'stop' | 'echo' | 'leave' {
  if (firstAtMs === undefined) return 'stop';
  return nowMs - firstAtMs < ONE_PRESS_MS ? 'echo' : 'leave';
}
