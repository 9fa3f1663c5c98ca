/** Share of the time that may go into statistics, one part in so many, and how old they may get by that. */
const REST_FACTOR = 100;
const MAX_REST_MS = 8_000;

/** Statistics for reports, as JSON in pieces, the less often the longer they take to make. */
export class DueStatistics {
  private dueMs = 0;
  private isMaking = false;

  constructor(private readonly make: () => Promise<readonly Buffer[]>) {}

  /** Undefined: they are not due, or are being made. */
  async take(): Promise<readonly Buffer[] | undefined> {
    const startedMs = performance.now();
    if (this.isMaking || startedMs < this.dueMs) return undefined;
    this.isMaking = true;
    try {
      return await this.make();
    } finally {
      const tookMs = performance.now() - startedMs;
      this.dueMs = startedMs + Math.min(tookMs * REST_FACTOR, MAX_REST_MS);
      this.isMaking = false;
    }
  }
}
