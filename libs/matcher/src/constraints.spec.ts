import { describe, expect, it } from 'vitest';
import type { Constraint } from '#core';
import { checkConstraint, type Site } from './constraints.js';

const site = (hostname: string, attributes: Record<string, string> = {}): Site => ({
  hostname,
  attributes,
  region: 'r1',
  zone: 'z1',
});
const rack = (value: string, host = value): Site => site(host, { rack: value });

const passes = (
  constraint: Constraint,
  at: Site,
  placed: readonly Site[] = [],
  instances = 4,
  distinct = 0,
): boolean =>
  checkConstraint({ constraint, site: at, placed, instances, distinctValues: () => distinct }).ok;

describe('constraints', () => {
  it('UNIQUE: no other instance has this value', () => {
    expect(passes(['hostname', 'UNIQUE'], site('a'), [site('b')])).toBe(true);
    expect(passes(['@hostname', 'UNIQUE'], site('a'), [site('a')])).toBe(false);
  });

  it('CLUSTER: the given value, or that of the first instance', () => {
    expect(passes(['rack', 'CLUSTER', 'one'], rack('one'))).toBe(true);
    expect(passes(['rack', 'CLUSTER', 'one'], rack('two'))).toBe(false);
    expect(passes(['rack', 'CLUSTER'], rack('two'))).toBe(true);
    expect(passes(['rack', 'CLUSTER'], rack('two'), [rack('one')])).toBe(false);
  });

  it('GROUP_BY with a number: the groups stay even', () => {
    const constraint: Constraint = ['rack', 'GROUP_BY', '2'];

    expect(passes(constraint, rack('b'), [rack('a'), rack('a')])).toBe(true);
    expect(passes(constraint, rack('a'), [rack('a'), rack('a')])).toBe(false);
    expect(passes(constraint, rack('c'), [rack('a'), rack('b')])).toBe(false);
    expect(passes(constraint, rack('a'), [rack('a'), rack('b')], 3)).toBe(true);
    expect(passes(constraint, rack('b'), [rack('a'), rack('a'), rack('b')], 3)).toBe(false);
  });

  it('GROUP_BY without a number spreads over the values seen', () => {
    const constraint: Constraint = ['rack', 'GROUP_BY'];

    expect(passes(constraint, rack('a'), [rack('a')], 4, 4)).toBe(false);
    expect(passes(constraint, rack('b'), [rack('a')], 4, 4)).toBe(true);
    expect(passes(constraint, rack('a'), [rack('a')], 4, 1)).toBe(true);
  });

  it('LIKE and UNLIKE match the whole value', () => {
    expect(passes(['rack', 'LIKE', 'rack-[1-3]'], rack('rack-2'))).toBe(true);
    expect(passes(['rack', 'LIKE', 'rack'], rack('rack-2'))).toBe(false);
    expect(passes(['rack', 'UNLIKE', 'rack-.*'], rack('rack-2'))).toBe(false);
  });

  it('LIKE takes no longer for a pattern that could be matched in countless ways', () => {
    const host = site('a'.repeat(250));

    expect(passes(['hostname', 'LIKE', `${'.*'.repeat(17)}X`], host)).toBe(false);
    expect(passes(['hostname', 'UNLIKE', '(a+)+b'], host)).toBe(true);
    expect(passes(['hostname', 'LIKE', '([a-z]+-)*x'], site('web-1-x'))).toBe(false);
    expect(passes(['hostname', 'LIKE', '([a-z]+-)*x'], site('web-eu-x'))).toBe(true);
  });

  it('a pattern that cannot be read places nothing and says why', () => {
    const verdict = checkConstraint({
      constraint: ['hostname', 'UNLIKE', '(?=a)b'],
      site: site('a'),
      placed: [],
      instances: 1,
    });

    expect(verdict).toEqual({
      ok: false,
      detail: 'hostname UNLIKE (?=a)b: the pattern has a look-ahead, which is not supported',
    });
  });

  it('an agent without the field passes only UNLIKE', () => {
    const operators = ['UNIQUE', 'CLUSTER', 'GROUP_BY', 'LIKE', 'UNLIKE', 'MAX_PER', 'IS'];

    const passed = operators.filter((operator) => passes(['rack', operator, '1'], site('a')));

    expect(passed).toEqual(['UNLIKE']);
  });

  it('MAX_PER: fewer than that many of the value', () => {
    expect(passes(['@zone', 'MAX_PER', '2'], site('a'), [site('b')])).toBe(true);
    expect(passes(['@zone', 'MAX_PER', '2'], site('a'), [site('b'), site('c')])).toBe(false);
  });

  it('IS: equal, numbers by value', () => {
    expect(passes(['speed', 'IS', '1.50'], site('a', { speed: '1.5' }))).toBe(true);
    expect(passes(['@region', 'IS', 'r2'], site('a'))).toBe(false);
  });

  it('says why in words and numbers', () => {
    const verdict = checkConstraint({
      constraint: ['hostname', 'MAX_PER', '1'],
      site: site('a'),
      placed: [site('a')],
      instances: 2,
    });

    expect(verdict).toEqual({ ok: false, detail: 'hostname MAX_PER 1: a has 1 already' });
  });
});
