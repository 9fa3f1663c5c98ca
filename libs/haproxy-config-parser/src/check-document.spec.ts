import { expect, it } from 'vitest';
import { checkDocument } from './check-document.js';
import type { ConditionFacts } from './condition-facts.js';
import { parse } from './parse.js';

// Which errors HAProxy agrees with is in check-verdict.spec.ts; here is what only we tell.
const check = (text: string, facts: ConditionFacts = {}) =>
  checkDocument(parse(text), facts).map(({ line, column, severity, code }) => [
    line,
    column,
    severity,
    code,
  ]);

it('gives the place of the word at fault, in the order of the file', () => {
  expect(
    check('peers  a  b\n backend\t"a b"\n  .notice a  b\nlisten "a+" from x y\n\tmode "tcp\n'),
  ).toEqual([
    [1, 11, 'error', 'unexpected-argument'],
    [2, 10, 'error', 'invalid-name'],
    [3, 14, 'error', 'unexpected-argument'],
    [4, 1, 'error', 'unknown-defaults'],
    [4, 8, 'error', 'invalid-name'],
    [4, 20, 'error', 'unexpected-argument'],
    [5, 7, 'error', 'unmatched-quote'],
  ]);
});

it('warns of what HAProxy only warns of', () => {
  expect(check('defaults a\nuserlist u\nuserlist u\nbackend x\nbackend y from a\n')).toEqual([
    [3, 1, 'warning', 'duplicate-name'],
    [5, 1, 'warning', 'mixed-defaults'],
  ]);
});

it('warns of what is wrong only under a condition that cannot be told', () => {
  const text =
    '.if feature(X)\nbackend a\n.endif\nbackend a\n.if feature(Y)\n.alert "no"\n.endif\n';

  expect(check(text)).toEqual([
    [4, 1, 'warning', 'duplicate-name'],
    [6, 1, 'warning', 'alert-directive'],
  ]);
  expect(check(text, { features: ['X', 'Y'] }).map(([, , severity]) => severity)).toEqual([
    'error',
    'error',
  ]);
  expect(check(text, { features: [] })).toEqual([]);
});

it('knows sections by the version that has them', () => {
  const text = 'crt-store\nhealthcheck h\nprogram p\n';

  expect(check(text)).toEqual([]);
  expect(check(text, { version: '2.6.12' }).map(([line]) => line)).toEqual([1, 2]);
  expect(check(text, { version: '3.4.0' }).map(([line]) => line)).toEqual([3]);
});

it('knows what HAProxy refuses since a version', () => {
  const text = [
    'global',
    '  setenv A b c',
    'backend x from',
    'defaults d',
    'backend y from d',
    'defaults d\n',
  ].join('\n');
  const errorsOf = (version?: string) =>
    check(text, version === undefined ? {} : { version }).flatMap(([line, , severity, code]) =>
      severity === 'error' ? [[line, code]] : [],
    );

  expect([errorsOf(), errorsOf('2.6.12')]).toEqual([[], []]);
  expect(errorsOf('3.0.11')).toEqual([[2, 'invalid-environment-statement']]);
  expect(errorsOf('3.2.26')).toEqual([
    [2, 'invalid-environment-statement'],
    [3, 'unexpected-argument'],
    [6, 'duplicate-name'],
  ]);
});
