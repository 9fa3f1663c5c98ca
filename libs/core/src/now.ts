/**
 * A moment. Durations and deadlines are computed on `monoMs` (monotonic, arbitrary zero, milliseconds) so that a clock
 * jump expires nothing; `epochMs` (Unix time, milliseconds) is for display and for persisted deadlines.
 */
export interface Now {
  readonly epochMs: number;
  readonly monoMs: number;
}

/** Reads the time. The daemons give the real one, the simulation a virtual one. */
export interface Clock {
  now(): Now;
  /** Runs `task` once after `delayMs`; the returned function cancels it and is safe to call twice. */
  schedule(delayMs: number, task: () => void): () => void;
}
