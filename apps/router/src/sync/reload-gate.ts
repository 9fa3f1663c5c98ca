import { nextReloadAt } from './reload-schedule.js';

/** A refused structure is tried again after this time. */
const REFUSED_RETRY_MS = 10_000;

/** Opens when a reload may happen: see {@link nextReloadAt}, and not soon after a refused one. */
export class ReloadGate {
  private lastReloadMs: number | undefined;
  private refusedUntilMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private isDue = false;

  /** `onOpen` is called once for each time it opens. */
  constructor(private readonly onOpen: () => void) {}

  /** Whether a reload may happen now. */
  get isOpen(): boolean {
    return this.isDue;
  }

  get isScheduled(): boolean {
    return this.timer !== undefined;
  }

  /** `oldWorkers`: how many still finish what they have. */
  schedule(oldWorkers: number): void {
    if (this.isScheduled) return;
    const nowMs = performance.now();
    const dueMs = nextReloadAt({ nowMs, lastReloadMs: this.lastReloadMs, oldWorkers });
    this.timer = setTimeout(() => {
      this.isDue = true;
      this.onOpen();
    }, Math.max(dueMs, this.refusedUntilMs) - nowMs);
  }

  /** The next reload may happen at once, unasked. */
  openNext(): void {
    this.close();
    this.isDue = true;
  }

  /** No reload is needed any more, or it is under way. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.isDue = false;
  }

  noteReload(): void {
    this.lastReloadMs = performance.now();
  }

  noteRefusal(): void {
    this.refusedUntilMs = performance.now() + REFUSED_RETRY_MS;
  }
}
