import { nameOfKey, quantitiesOf, type Resources } from '#core';

/** Scalar resources by name, whatever their traits, in thousandths. */
export type Quantities = Readonly<Record<string, number>>;

/** Sums by name that their owner changes; names whose sum is not above zero are absent. */
export type Sums = Map<string, number>;

/** Adds to a sum; what would fall below zero is zero. */
export function addToSum(sums: Sums, name: string, milli: number): void {
  const sum = (sums.get(name) ?? 0) + milli;
  if (sum > 0) sums.set(name, sum);
  else sums.delete(name);
}

/** Adds an amount's scalars by name, whatever their traits. O(keys). */
export function addScalars(sums: Sums, amount: Resources, sign: 1 | -1): void {
  const { scalars } = amount;
  for (const key in scalars) addToSum(sums, nameOfKey(key), sign * (scalars[key] ?? 0));
}

export const toQuantities = (sums: ReadonlyMap<string, number>): Quantities =>
  Object.fromEntries(sums);

/** How much of a name an amount holds, over all traits. */
export function quantityOf(amount: Resources, name: string): number {
  const { scalars } = amount;
  let sum = 0;
  for (const key in scalars) {
    if (key === name || (key.length > name.length && nameOfKey(key) === name)) {
      sum += scalars[key] ?? 0;
    }
  }
  return sum;
}

/** Whether an amount holds all of one of the vectors. An empty list, as an empty vector, is met by anything. */
export function meetsOne(amount: Resources, vectors: readonly Quantities[]): boolean {
  return vectors.length === 0 || vectors.some((vector) => meets(amount, vector));
}

/** Whether an amount holds all of a vector. */
export function meets(amount: Resources, vector: Quantities): boolean {
  for (const name in vector) {
    if (quantityOf(amount, name) < (vector[name] ?? 0)) return false;
  }
  return true;
}

/** Whether two amounts have as much of each scalar name, whatever the traits. */
export function haveSameScalars(left: Resources, right: Resources): boolean {
  const [mine, other] = [quantitiesOf(left), quantitiesOf(right)];
  return mine.size === other.size && [...mine].every(([name, milli]) => other.get(name) === milli);
}
