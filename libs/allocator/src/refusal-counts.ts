import { REFUSAL_REASONS, type RefusalReason } from './explanation.js';

/** Rounds counted together; the last and the present such span are reported. */
export const COUNTED_ROUNDS = 64;

const INDEX: Readonly<Record<RefusalReason, number>> = {
  inactive: 0,
  suppressed: 1,
  'nothing-free': 2,
  capability: 3,
  constraint: 4,
  reserved: 5,
  quota: 6,
  'below-minimum': 7,
  accumulating: 8,
  filtered: 9,
};

/** How often something was passed over, by reason, in the last 64 to 128 rounds. O(1) to count. */
export class RefusalCounts {
  private now = new Uint32Array(REFUSAL_REASONS.length);
  private before = new Uint32Array(REFUSAL_REASONS.length);
  private span = 0;

  count(reason: RefusalReason, round: number): void {
    this.turn(round);
    const index = INDEX[reason];
    this.now[index] = (this.now[index] ?? 0) + 1;
  }

  /** Adds the counts to `sums`, which the caller owns. */
  addTo(sums: Map<RefusalReason, number>, round: number): void {
    this.turn(round);
    for (const reason of REFUSAL_REASONS) {
      const index = INDEX[reason];
      const count = (this.now[index] ?? 0) + (this.before[index] ?? 0);
      if (count > 0) sums.set(reason, (sums.get(reason) ?? 0) + count);
    }
  }

  private turn(round: number): void {
    const span = Math.floor(round / COUNTED_ROUNDS);
    if (span === this.span) return;
    const isNext = span === this.span + 1;
    [this.before, this.now] = [this.now, this.before];
    this.now.fill(0);
    if (!isNext) this.before.fill(0);
    this.span = span;
  }
}
