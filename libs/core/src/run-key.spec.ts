import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_RUN_KEY_LENGTH, runKey } from './run-key.js';

/** Distinct for each run of an agent, as its maker promises. */
const unique = fc.stringMatching(/^[0-9a-f]{20}-[0-9a-z]{1,11}$/);
const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 255 });

test('a key is one safe file name of bounded length, whatever the id holds', () => {
  fc.assert(
    fc.property(id, unique, (task, suffix) => {
      const key = runKey(task, suffix);

      expect(key).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
      expect(key.length).toBeLessThanOrEqual(MAX_RUN_KEY_LENGTH);
    }),
  );
});

test('two runs never share a key, whatever their ids are', () => {
  fc.assert(
    fc.property(id, id, unique, unique, (one, other, first, second) => {
      fc.pre(first !== second);

      expect(runKey(one, first)).not.toBe(runKey(other, second));
    }),
  );
});

test('a key shows the id it is of', () => {
  expect(runKey('shop_web.instance-1._app.2', 'ab12-1')).toBe('shop_web.instance-1._app.2.ab12-1');
  expect(runKey('grüße/../x', 'ab12-1')).toBe('gr__e_.._x.ab12-1');
});
