/** Updates a scheduler may have open (not yet durable) at once. */
export const MAX_OPEN_UPDATES = 1_024;

/** Promises under way, at most a fixed number of them; the first failure is told once. */
export class UpdateWindow {
  private open = 0;
  private waiting: (() => void)[] = [];
  private failure: unknown;
  private hasFailed = false;

  constructor(
    private readonly limit: number,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Starts `task`, after waiting for room. Throws nothing: a failure goes to `onFailure`. */
  async add(task: () => Promise<void>): Promise<void> {
    while (this.open >= this.limit) await this.change();
    this.open += 1;
    void this.run(task);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.open > 0) await this.change();
  }

  private async run(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!this.hasFailed) {
        this.hasFailed = true;
        this.failure = error;
        this.onFailure(this.failure);
      }
    } finally {
      this.open -= 1;
      const resumed = this.waiting;
      this.waiting = [];
      for (const resume of resumed) resume();
    }
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
