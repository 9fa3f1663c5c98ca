/** Tasks of apps without routes are read this late, as nothing at the edge depends on them. */
const UNROUTED_DELAY_MS = 1_000;

/** Apps to be read again: at once, or, for mere news of tasks nobody routes to, a little later. */
export class ChangedApps {
  private readonly due = new Set<string>();
  private readonly late = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  /** `wake` is called when something is due. */
  constructor(private readonly wake: () => void) {}

  get size(): number {
    return this.due.size;
  }

  add(id: string, options: { readonly isUrgent: boolean }): void {
    if (options.isUrgent || this.due.has(id)) {
      this.due.add(id);
      this.wake();
      return;
    }
    this.late.add(id);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.hurry(() => true);
    }, UNROUTED_DELAY_MS);
  }

  /** Some that could wait no longer can. */
  hurry(isUrgent: (id: string) => boolean): void {
    for (const id of this.late) {
      if (!isUrgent(id)) continue;
      this.late.delete(id);
      this.due.add(id);
    }
    if (this.due.size > 0) this.wake();
  }

  list(): readonly string[] {
    return [...this.due];
  }

  clear(): void {
    this.due.clear();
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
