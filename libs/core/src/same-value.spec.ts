import { expect, it } from 'vitest';
import { isSameValue } from './same-value.js';

it.each([
  [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
  [{ a: undefined }, {}, true],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [null, {}, false],
  [0, '0', false],
])('compares %j with %j', (left, right, isSame) => {
  expect(isSameValue(left, right)).toBe(isSame);
  expect(isSameValue(right, left)).toBe(isSame);
});

it('takes what every object inherits for no value of its own', () => {
  expect(isSameValue({ constructor: Object }, {})).toBe(false);
  expect(isSameValue({}, { constructor: Object })).toBe(false);
  expect(isSameValue({ toString: Object.prototype.toString }, { b: 1 })).toBe(false);
});
