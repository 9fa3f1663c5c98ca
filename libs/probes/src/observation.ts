import type { ProbeResult } from '#core';

/** What one kind of probe saw; the prober adds how long it took. */
export type Observation = Omit<ProbeResult, 'durationMs'>;
