export interface BackOffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

/** Doubles from `initialMs` to `maxMs`; each delay is between half of that and all of it. */
export class BackOff {
  private failures = 0;

  constructor(private readonly options: BackOffOptions) {}

  next(): number {
    const { initialMs, maxMs, random } = this.options;
    const fullMs = Math.min(maxMs, initialMs * 2 ** Math.min(this.failures, MAX_DOUBLINGS));
    this.failures += 1;
    return fullMs / 2 + (fullMs / 2) * random();
  }

  reset(): void {
    this.failures = 0;
  }
}

const MAX_DOUBLINGS = 20;
