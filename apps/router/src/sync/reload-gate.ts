import { ReloadBudget } from './reload-budget.js';

/** A refused structure is tried again after this time. */
const REFUSED_RETRY_MS = 10_000;
/** Without room for one more worker it is looked again this soon. */
const CROWDED_LOOK_MS = 1_000;
/** Former workers have ended by then, or are the operator's own to end: a reload waits no longer for them. */
const MAX_CROWDED_MS = 60_000;

/** Opens when a reload may happen: see {@link ReloadBudget}, and not soon after a refused one. */
export class ReloadGate {
  private readonly budget = new ReloadBudget();
  private refusedUntilMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private isDue = false;
  private isForced = false;

  /** `onOpen` is called once for each time it opens, and to ask again for room. */
  constructor(private readonly onOpen: () => void) {}

  /** Whether a reload may happen now. */
  get isOpen(): boolean {
    return this.isDue;
  }

  get isScheduled(): boolean {
    return this.timer !== undefined;
  }

  /** `room`: for how many more workers that finish what they have. False: there is none, which is asked again. */
  schedule(room: number): boolean {
    if (this.isScheduled) return true;
    const nowMs = performance.now();
    const isCrowded = room <= 0 && this.budget.sinceLastMs(nowMs) < MAX_CROWDED_MS;
    if (isCrowded && !this.isForced) {
      this.wait(CROWDED_LOOK_MS, () => {
        this.timer = undefined;
      });
      return false;
    }
    const dueMs = this.budget.nextMs(nowMs, { isForced: this.isForced });
    const untilMs = this.isForced ? dueMs : Math.max(dueMs, this.refusedUntilMs);
    this.wait(untilMs - nowMs, () => {
      this.isDue = true;
    });
    return true;
  }

  /** An operator asks for the next one: it waits for no worker and for no budget. */
  force(): void {
    this.isForced = true;
    clearTimeout(this.timer);
    this.timer = undefined;
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
    this.isForced = false;
  }

  noteReload(): void {
    this.budget.note(performance.now());
  }

  noteRefusal(): void {
    this.refusedUntilMs = performance.now() + REFUSED_RETRY_MS;
  }

  private wait(delayMs: number, then: () => void): void {
    this.timer = setTimeout(() => {
      then();
      this.onOpen();
    }, delayMs);
  }
}
