/** Thrown when a queue is at its bound; answered with 503 and Retry-After. Nothing was started. */
export class QueueFullError extends Error {
  readonly code = 'QUEUE_FULL';
}

/** Runs tasks one after the other, in order of arrival. A task that fails does not stop the next. */
export class SerialQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** `limit`: tasks running or waiting at most; `name` goes into the message of {@link QueueFullError}. */
  constructor(private readonly options: { readonly name: string; readonly limit: number }) {}

  /** Running and waiting tasks. */
  get size(): number {
    return this.waiting;
  }

  /** Resolves or rejects with what the task does. Rejects with {@link QueueFullError} at the limit. */
  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const { name, limit } = this.options;
    if (this.waiting >= limit) {
      return Promise.reject(new QueueFullError(`${name}: ${limit} requests are waiting already`));
    }
    this.waiting += 1;
    const result = this.tail.then(task);
    this.tail = result.then(
      () => this.finish(),
      () => this.finish(),
    );
    return result;
  }

  /** Resolves when everything queued so far has ended. */
  async idle(): Promise<void> {
    await this.tail;
  }

  private finish(): void {
    this.waiting -= 1;
  }
}

/**
 * Group commit: what arrives while a flush is under way goes together into the next one, in order. A failed flush
 * rejects all of its items and none of the others.
 */
export class BatchQueue<Item> {
  private pending: { readonly item: Item; readonly done: (error?: unknown) => void }[] = [];
  private isFlushing = false;

  /** `limit`: items waiting at most; `batch`: items of one flush at most. */
  constructor(
    private readonly options: {
      readonly name: string;
      readonly limit: number;
      readonly batch: number;
      readonly flush: (items: readonly Item[]) => Promise<void>;
    },
  ) {}

  get size(): number {
    return this.pending.length;
  }

  /** Resolves when the flush that holds the item has. Rejects with {@link QueueFullError} at the limit. */
  add(item: Item): Promise<void> {
    const { name, limit } = this.options;
    if (this.pending.length >= limit) {
      return Promise.reject(new QueueFullError(`${name}: ${limit} items are waiting already`));
    }
    return new Promise((resolve, reject) => {
      const done = (error?: unknown) => (error === undefined ? resolve() : reject(error));
      this.pending.push({ item, done });
      if (!this.isFlushing) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.isFlushing = true;
    while (this.pending.length > 0) {
      const batch = this.pending.splice(0, this.options.batch);
      const error = await this.options
        .flush(batch.map(({ item }) => item))
        .then(() => undefined)
        .catch((thrown: unknown) => thrown ?? new Error(`${this.options.name}: flush failed`));
      for (const { done } of batch) done(error);
    }
    this.isFlushing = false;
  }
}
