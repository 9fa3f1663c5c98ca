/** Rest after a write, as a multiple of the time it took: what only serves a restart is not to keep changes waiting. */
const REST_FACTOR = 20;
const MIN_DELAY_MS = 200;
/** However slow it is, what changed is written this soon after the write before. */
const MAX_DELAY_MS = 5_000;

/** Writes what has changed, off the hot path, and the less often the longer it takes. */
export class LateWriter {
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;
  private isDue = false;
  private isStopped = false;
  private delayMs = MIN_DELAY_MS;

  /** `write` is never called twice at a time. */
  constructor(private readonly write: () => Promise<void>) {}

  /** Something has changed. */
  later(): void {
    this.isDue = true;
    if (this.isStopped || this.timer !== undefined || this.writing !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.isDue = false;
      this.writing = this.writeNow();
    }, this.delayMs);
  }

  /** Resolves when nothing is written any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.writing;
  }

  private async writeNow(): Promise<void> {
    const startedMs = performance.now();
    await this.write();
    const restMs = (performance.now() - startedMs) * REST_FACTOR;
    this.delayMs = Math.min(Math.max(MIN_DELAY_MS, restMs), MAX_DELAY_MS);
    this.writing = undefined;
    if (this.isDue) this.later();
  }
}
