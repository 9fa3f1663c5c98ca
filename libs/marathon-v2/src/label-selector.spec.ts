import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from './label-selector.js';
import { refusalOf, unwrap } from './marathon-v2.test-support.js';

const selects = (selector: string, labels: Record<string, string>): boolean =>
  unwrap(parseLabelSelector(selector))(labels);

describe('label selector', () => {
  it.each([
    ['env', { env: 'x' }, true],
    ['env', {}, false],
    ['env==prod', { env: 'prod' }, true],
    ['env==prod', { env: 'test' }, false],
    ['env!=prod', { env: 'test' }, true],
    ['env!=prod', {}, false],
    ['env in (a, b)', { env: 'b' }, true],
    ['env notin (a,b)', { env: 'c' }, true],
    ['env notin (a,b)', {}, false],
    ['env==prod,tier in (x,y)', { env: 'prod', tier: 'y' }, true],
    ['env==prod, tier', { env: 'prod' }, false],
    ['a\\:b==c\\ d', { 'a:b': 'c d' }, true],
    ['in in (in)', { in: 'in' }, true],
    ['input', { input: '' }, true],
    ['constructor', {}, false],
  ])('%s of %j is %s', (selector, labels, expected) => {
    expect(selects(selector, labels)).toBe(expected);
  });

  it.each(['', 'a in', 'a in (', 'a in ()', 'a==', '==b', 'a b', 'a,,b', 'a in (b', '(', 'a='])(
    'refuses %j and says where',
    (selector) => {
      expect(refusalOf(parseLabelSelector(selector))).toMatchObject({ kind: 'bad-argument' });
    },
  );

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const outcome = parseLabelSelector(text);
        if (outcome.ok) outcome.value({});
      }),
    );
  });
});
