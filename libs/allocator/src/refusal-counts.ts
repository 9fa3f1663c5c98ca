import { REFUSAL_REASONS, type RefusalReason } from './explanation.js';

/** Rounds counted together; the last and the present such span are reported. */
export const COUNTED_ROUNDS = 64;

const INDEX: Readonly<Record<RefusalReason, number>> = {
  inactive: 0,
  suppressed: 1,
  'agent-inactive': 2,
  'nothing-free': 3,
  'offered-to-others': 4,
  capability: 5,
  constraint: 6,
  reserved: 7,
  quota: 8,
  'below-minimum': 9,
  accumulating: 10,
  filtered: 11,
};

/** How often something was passed over, by reason, in the last 64 to 128 rounds. O(1) to count. */
export class RefusalCounts {
  private now = new Uint32Array(REFUSAL_REASONS.length);
  private before = new Uint32Array(REFUSAL_REASONS.length);
  private span = 0;
  private lastVisit = 0;

  /** Whether this is the first look in a visit of an agent (numbers from 1): only that one may count. */
  isFirstIn(visit: number): boolean {
    if (visit === this.lastVisit) return false;
    this.lastVisit = visit;
    return true;
  }

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
