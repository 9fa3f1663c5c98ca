import { describe, expect, it } from 'vitest';
import {
  addResources,
  containsResources,
  type Resources,
  rangesOf,
  scalarMilli,
  subtractResources,
} from './resources.js';

/** Names every object answers to without having been given them. */
const INHERITED = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
const nothing: Resources = { scalars: {}, ranges: {} };

describe.each(INHERITED)('a resource named %s', (name) => {
  const some: Resources = {
    scalars: { [name]: 500 },
    ranges: { [name]: [{ begin: 1, end: 4 }] },
  };

  it('is absent until it is put in', () => {
    expect(scalarMilli(nothing, name)).toBe(0);
    expect(rangesOf(nothing, name)).toEqual([]);
    expect(containsResources(nothing, some)).toBe(false);
  });

  it('is added and taken away as any other', () => {
    const sum = addResources(nothing, some);

    expect(sum).toEqual(some);
    expect(containsResources(sum, some)).toBe(true);
    expect(subtractResources(addResources(sum, some), some)).toEqual({
      scalars: { [name]: 500 },
      ranges: {},
    });
    expect(subtractResources(sum, nothing)).toEqual(some);
  });
});
