/** Which candidates are fit to be used together. */
export interface OffenderSearch<Candidate> {
  /** Validated together; of the order of the candidates. */
  readonly accepted: readonly Candidate[];
  /** Adding any of them to those before it in `accepted` makes the configuration refused. */
  readonly offenders: readonly Candidate[];
  /** Neither: the search ended at its limit. */
  readonly undecided: readonly Candidate[];
  /** Even without any candidate the configuration is refused: it is not for them to be left out. */
  readonly isBaseRefused: boolean;
  readonly validations: number;
}

export interface OffenderHints<Candidate> {
  /** Those that the refusal named, looked at first. They are left out only if they do offend. */
  readonly suspects?: Iterable<Candidate>;
  /** All candidates together have just been refused: that is not asked again. */
  readonly isKnownRefused?: boolean;
  readonly maxValidations?: number;
}

/** Some fifteen offenders of a thousand. */
const MAX_VALIDATIONS = 200;

/**
 * Finds the candidates that make a configuration refused, first come, first served: of two that only clash with each
 * other the later one goes. Without suspects the result is that of trying one after the other. What holds always:
 * `accepted` was validated as it is, and no offender can be added to it. Right as long as leaving out candidates never
 * makes an accepted set refused. O(offenders x log candidates) validations: one of 1,000 is found with at most 12.
 */
export async function findOffenders<Candidate>(
  candidates: readonly Candidate[],
  isAccepted: (subset: readonly Candidate[]) => Promise<boolean>,
  hints: OffenderHints<Candidate> = {},
): Promise<OffenderSearch<Candidate>> {
  const order = new Map(candidates.map((candidate, index) => [candidate, index]));
  const trial = new Trial(order, isAccepted, hints.maxValidations ?? MAX_VALIDATIONS);
  try {
    if (hints.isKnownRefused !== true && (await trial.accepts(candidates))) {
      return trial.conclude({ accepted: candidates, offenders: [] });
    }
    const suspects = new Set([...(hints.suspects ?? [])].filter((each) => order.has(each)));
    if (suspects.size > 0 && suspects.size < candidates.length) {
      const others = candidates.filter((candidate) => !suspects.has(candidate));
      if (await trial.accepts(others)) {
        trial.accepted = others;
        return await trial.addAsManyAsPossible([...suspects], { isKnownRefused: true });
      }
    }
    return await trial.addAsManyAsPossible(candidates, { isKnownRefused: true });
  } catch (error) {
    if (error instanceof LimitReached) return trial.conclude({ accepted: trial.accepted });
    throw error;
  }
}

class LimitReached extends Error {}

/** One search: what is accepted so far, and how many validations that took. */
class Trial<Candidate> {
  accepted: readonly Candidate[] = [];
  private readonly offenders: Candidate[] = [];
  private validations = 0;
  private isBaseKnownGood = false;

  constructor(
    private readonly order: ReadonlyMap<Candidate, number>,
    private readonly isAccepted: (subset: readonly Candidate[]) => Promise<boolean>,
    private readonly limit: number,
  ) {}

  async accepts(subset: readonly Candidate[]): Promise<boolean> {
    if (this.validations >= this.limit) throw new LimitReached();
    this.validations += 1;
    return this.isAccepted(this.inOrder(subset));
  }

  /** `isKnownRefused`: `accepted` with all of them was refused already. */
  async addAsManyAsPossible(
    candidates: readonly Candidate[],
    { isKnownRefused }: { readonly isKnownRefused: boolean },
  ): Promise<OffenderSearch<Candidate>> {
    let rest = this.inOrder(candidates);
    let isRefused = isKnownRefused;
    while (rest.length > 0) {
      if (!isRefused && (await this.accepts([...this.accepted, ...rest]))) {
        return this.conclude({ accepted: [...this.accepted, ...rest] });
      }
      isRefused = false;
      const before = await this.longestAcceptedPrefix(rest);
      if (before === 0 && this.accepted.length === 0 && !this.isBaseKnownGood) {
        if (!(await this.accepts([]))) return this.conclude({ accepted: [], isBaseRefused: true });
        this.isBaseKnownGood = true;
      }
      this.accepted = [...this.accepted, ...rest.slice(0, before)];
      this.offenders.push(...rest.slice(before, before + 1));
      rest = rest.slice(before + 1);
    }
    return this.conclude({ accepted: this.accepted });
  }

  conclude(found: {
    readonly accepted: readonly Candidate[];
    readonly offenders?: readonly Candidate[];
    readonly isBaseRefused?: boolean;
  }): OffenderSearch<Candidate> {
    const { accepted, offenders = this.inOrder(this.offenders), isBaseRefused = false } = found;
    const decided = new Set([...accepted, ...offenders]);
    return {
      accepted: this.inOrder(accepted),
      offenders,
      undecided: [...this.order.keys()].filter((candidate) => !decided.has(candidate)),
      isBaseRefused,
      validations: this.validations,
    };
  }

  /** `accepted` with all of `rest` is refused, with none of it accepted (or the base is at fault). */
  private async longestAcceptedPrefix(rest: readonly Candidate[]): Promise<number> {
    let good = 0;
    let bad = rest.length;
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (await this.accepts([...this.accepted, ...rest.slice(0, middle)])) good = middle;
      else bad = middle;
    }
    return good;
  }

  private inOrder(subset: readonly Candidate[]): readonly Candidate[] {
    return subset.toSorted(
      (left, right) => (this.order.get(left) ?? 0) - (this.order.get(right) ?? 0),
    );
  }
}
