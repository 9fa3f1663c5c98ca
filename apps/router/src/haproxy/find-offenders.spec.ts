import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOffenders } from './find-offenders.js';

/** Refuses sets with a bad member, or with both members of a clashing pair. */
const oracle = (bad: ReadonlySet<number>, pairs: readonly (readonly [number, number])[]) => {
  const judge = { asked: 0 };
  const isGood = (subset: readonly number[]): boolean => {
    const members = new Set(subset);
    return (
      !subset.some((member) => bad.has(member)) &&
      !pairs.some(([left, right]) => left !== right && members.has(left) && members.has(right))
    );
  };
  const isAccepted = (subset: readonly number[]): Promise<boolean> => {
    judge.asked += 1;
    expect(subset).toEqual(subset.toSorted((left, right) => left - right));
    return Promise.resolve(isGood(subset));
  };
  return { judge, isGood, isAccepted };
};

/** One after the other, as marathon-lb does. */
function bruteForce(count: number, isGood: (subset: readonly number[]) => boolean): number[] {
  const kept: number[] = [];
  const offenders: number[] = [];
  for (let candidate = 0; candidate < count; candidate += 1) {
    if (isGood([...kept, candidate])) kept.push(candidate);
    else offenders.push(candidate);
  }
  return offenders;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const scene = fc.integer({ min: 1, max: 60 }).chain((count) => {
  const member = fc.integer({ min: 0, max: count - 1 });
  return fc.record({
    count: fc.constant(count),
    bad: fc.array(member, { maxLength: 4 }).map((list) => new Set(list)),
    pairs: fc.array(fc.tuple(member, member), { maxLength: 4 }),
    suspects: fc.array(member, { maxLength: 6 }),
  });
});

describe('findOffenders', () => {
  it('finds what trying one after the other finds', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ count, bad, pairs }) => {
        const { isGood, isAccepted } = oracle(bad, pairs);

        const found = await findOffenders(numbers(count), isAccepted);

        expect(found.offenders).toEqual(bruteForce(count, isGood));
        expect(found.undecided).toEqual([]);
      }),
    );
  });

  it('accepts a validated set that no offender can be added to, whoever is suspected', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ count, bad, pairs, suspects }) => {
        const { isGood, isAccepted, judge } = oracle(bad, pairs);

        const found = await findOffenders(numbers(count), isAccepted, { suspects });

        expect(isGood(found.accepted)).toBe(true);
        for (const offender of found.offenders) {
          expect(isGood([...found.accepted, offender])).toBe(false);
        }
        expect([...found.accepted, ...found.offenders].toSorted((a, b) => a - b)).toEqual(
          numbers(count),
        );
        expect(found.validations).toBe(judge.asked);
      }),
    );
  });

  it('finds any single offender of 1,000 with at most 12 validations', async () => {
    let most = 0;
    for (const offender of numbers(1_000)) {
      const { isAccepted } = oracle(new Set([offender]), []);
      const found = await findOffenders(numbers(1_000), isAccepted);
      expect(found.offenders).toEqual([offender]);
      most = Math.max(most, found.validations);
    }
    expect(most).toBeLessThanOrEqual(12);
  });

  it('takes O(offenders x log candidates) validations', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 10 }),
        async (bad) => {
          const { isAccepted } = oracle(new Set(bad), []);
          const found = await findOffenders(numbers(1_000), isAccepted);
          expect(found.validations).toBeLessThanOrEqual(2 + bad.length * 11);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('needs two validations when the refusal named the right one', async () => {
    const { isAccepted } = oracle(new Set([417]), []);

    const found = await findOffenders(numbers(1_000), isAccepted, {
      suspects: [417],
      isKnownRefused: true,
    });

    expect(found).toMatchObject({ offenders: [417], validations: 1 });
  });

  it('leaves a wrongly suspected candidate in', async () => {
    const { isAccepted } = oracle(new Set([3]), []);

    const found = await findOffenders(numbers(8), isAccepted, { suspects: [3, 5] });

    expect(found.offenders).toEqual([3]);
  });

  it('says that it is nobody of the candidates when the rest is refused', async () => {
    const found = await findOffenders(numbers(100), () => Promise.resolve(false));

    expect(found).toMatchObject({ isBaseRefused: true, accepted: [], offenders: [] });
    expect(found.validations).toBeLessThanOrEqual(9);
  });

  it('ends at its limit with what is known to be good', async () => {
    const { isAccepted, isGood } = oracle(new Set([10, 20, 30, 40]), []);

    const found = await findOffenders(numbers(50), isAccepted, { maxValidations: 12 });

    expect(found.validations).toBe(12);
    expect(isGood(found.accepted)).toBe(true);
    expect(found.undecided.length).toBeGreaterThan(0);
  });

  it('accepts everything with one validation when nothing is wrong', async () => {
    const { isAccepted } = oracle(new Set(), []);

    expect(await findOffenders(numbers(5), isAccepted)).toMatchObject({
      accepted: [0, 1, 2, 3, 4],
      validations: 1,
    });
  });
});
