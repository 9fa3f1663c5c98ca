import { nameOfKey, type Resources, reservedRole, resourceKey, scalarMilli } from '#core';

/** Scalars of an amount by name, of what is reserved first; undefined when there is not enough. */
export function carve(from: Resources, size: Resources): Resources | undefined {
  const scalars: Record<string, number> = {};
  for (const [name, wanted] of Object.entries(size.scalars)) {
    let missing = wanted;
    const keys = Object.keys(from.scalars).filter((key) => nameOfKey(key) === name);
    keys.sort((left, right) => Number(isReserved(right)) - Number(isReserved(left)));
    for (const key of keys) {
      const milli = Math.min(missing, scalarMilli(from, key));
      if (milli > 0) scalars[key] = milli;
      missing -= milli;
    }
    if (missing > 0) return undefined;
  }
  return { scalars, ranges: {} };
}

/** The same amount, reserved to the role where it was not reserved. */
export function reserved(amount: Resources, role: string): Resources {
  const scalars: Record<string, number> = {};
  for (const [key, milli] of Object.entries(amount.scalars)) {
    const after = isReserved(key)
      ? key
      : resourceKey(key, { reservations: [{ type: 'DYNAMIC', role }], isRevocable: false });
    scalars[after] = (scalars[after] ?? 0) + milli;
  }
  return { scalars, ranges: {} };
}

/** The part that is reserved, or the part that is not. */
export function select(amount: Resources, which: 'reserved' | 'unreserved'): Resources {
  const entries = Object.entries(amount.scalars);
  const isWanted = (key: string) => isReserved(key) === (which === 'reserved');
  return { scalars: Object.fromEntries(entries.filter(([key]) => isWanted(key))), ranges: {} };
}

const isReserved = (key: string): boolean => reservedRole(key) !== undefined;
