/**
 * When writing a document has to let others run: after so much time of writing, or as much as went into finding what is
 * to be written, whichever is longer. So each slice gets on, and is never mostly looking.
 */
export class Budget {
  private lastMs: number;
  private lookedMs = 0;
  private spentMs = 0;

  constructor(
    private readonly limitMs: number,
    private readonly clock: () => number,
  ) {
    this.lastMs = clock();
  }

  isSpent(): boolean {
    return this.spentMs >= Math.max(this.limitMs, this.lookedMs);
  }

  /** Does a piece of the writing. */
  spend<Written>(write: () => Written): Written {
    const beganMs = this.clock();
    this.lookedMs += beganMs - this.lastMs;
    const written = write();
    this.lastMs = this.clock();
    this.spentMs += this.lastMs - beganMs;
    return written;
  }
}
