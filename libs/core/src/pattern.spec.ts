import { createContext, Script } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern, MAX_PATTERN_LENGTH, MAX_VALUE_LENGTH } from './pattern.js';

const matches = (source: string, value: string): boolean => {
  const pattern = compilePattern(source);
  if (!pattern.ok) throw new Error(`${source} ${pattern.error}`);
  return pattern.matches(value);
};
const errorOf = (source: string): string => {
  const pattern = compilePattern(source);
  return pattern.ok ? 'none' : pattern.error;
};

/** Patterns of the subset, as text; whatever JavaScript reads the same way with its flag `u`. */
const aPattern = fc.letrec<{ choice: string; sequence: string; repeated: string; atom: string }>(
  (tie) => ({
    choice: fc
      .array(tie('sequence'), { minLength: 1, maxLength: 3 })
      .map((branches) => branches.join('|')),
    sequence: fc.oneof(
      { arbitrary: fc.constantFrom('^', '$', '\\b', '\\B', ''), weight: 1 },
      {
        arbitrary: fc.array(tie('repeated'), { maxLength: 3 }).map((parts) => parts.join('')),
        weight: 6,
      },
    ),
    repeated: fc
      .tuple(
        tie('atom'),
        fc.constantFrom(
          '',
          '',
          '',
          '*',
          '+',
          '?',
          '*?',
          '+?',
          '??',
          '{2}',
          '{1,}',
          '{0,2}',
          '{2,3}?',
        ),
      )
      .map((parts) => parts.join('')),
    atom: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('a', 'b', '-', '.', '\\.', '\\d', '\\W', '\\w', '\\s', '\\S', '\\n', '\\x61'),
      fc.constantFrom(
        '[ab]',
        '[^a]',
        '[a-c_-]',
        '[\\d.]',
        '[^\\w-]',
        '[\\]^]',
        '[(+*]',
        '[\\u0061]',
      ),
      tie('choice').map((body) => `(${body})`),
      tie('choice').map((body) => `(?:${body})`),
    ),
  }),
).choice;

const aShortPattern = aPattern.filter((source) => source.length <= MAX_PATTERN_LENGTH);

const aValue = fc.string({
  unit: fc.constantFrom('a', 'b', '-', '.', '1', '_', ' ', '\n', '^'),
  maxLength: 7,
});

const testInContext = new Script('expression.test(value)');
const context = createContext({});

/** What JavaScript says; undefined where its engine, which goes back, would be busy for long. */
const oracle = (expression: RegExp, value: string): boolean | undefined => {
  Object.assign(context, { expression, value });
  try {
    return testInContext.runInContext(context, { timeout: 100 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
};

describe('patterns', () => {
  it('agree with JavaScript’s regular expressions', () => {
    fc.assert(
      fc.property(
        aShortPattern,
        fc.array(aValue, { minLength: 1, maxLength: 8 }),
        (source, values) => {
          const expression = new RegExp(`^(?:${source})$`, 'u');

          for (const value of values) {
            const expected = oracle(expression, value);
            fc.pre(expected !== undefined);
            expect(matches(source, value), JSON.stringify([source, value])).toBe(expected);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  }, 60_000);

  it('never throw on what is no pattern', () => {
    const noise = fc.string({
      unit: fc.constantFrom(...'ab\\()[]{}*+?|^$.-,1&:<=!xud'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.oneof(noise, fc.string()), fc.string(), (source, value) => {
        const pattern = compilePattern(source);

        expect(typeof (pattern.ok ? pattern.matches(value) : pattern.error)).toMatch(
          /boolean|string/,
        );
      }),
      { numRuns: 1_000 },
    );
  }, 60_000);

  it('end on what would keep one that goes back busy for ever', () => {
    const value = 'a'.repeat(MAX_VALUE_LENGTH);

    expect(matches(`${'.*'.repeat(127)}X`, value)).toBe(false);
    expect(matches('(a+)+b', value)).toBe(false);
    expect(matches('(a|a)*b', value)).toBe(false);
    expect(matches('(a?){200}a{200}', value)).toBe(true);
  });

  it('match whole values, and case counts', () => {
    expect(matches('rack', 'rack-1')).toBe(false);
    expect(matches('rack.*', 'rack-1')).toBe(true);
    expect(matches('RACK.*', 'rack-1')).toBe(false);
    expect(matches('a|bc', 'bc')).toBe(true);
    expect(matches('([a-z]+-)*x', 'a-b-x')).toBe(true);
    expect(matches('(?<zone>eu|us)-\\d{1,2}', 'eu-12')).toBe(true);
    expect(matches('.', '😀')).toBe(true);
  });

  it('never match a value that is too long', () => {
    expect(matches('.*', 'a'.repeat(MAX_VALUE_LENGTH + 1))).toBe(false);
  });

  it.each([
    ['(a)\\1', 'a back reference (\\1)'],
    ['(?<n>a)\\k<n>', 'a back reference (\\k)'],
    ['a(?=b)', 'a look-ahead'],
    ['a(?!b)', 'a look-ahead'],
    ['(?<=a)b', 'a look-behind'],
    ['(?<!a)b', 'a look-behind'],
    ['(?>a)b', 'an atomic group'],
    ['(?i)a', 'an inline flag'],
    ['a++', 'a possessive quantifier'],
    ['[a-z&&[^b]]', 'an intersection of classes'],
    ['[[:alpha:]]', 'a class within a class'],
    ['\\p{Lower}', '\\p'],
    ['(', "a '(' without a ')'"],
    ['a)', "a ')' without a '('"],
    ['[a', "a '[' without a ']'"],
    ['[]', 'an empty class'],
    ['[b-a]', 'a range that is out of order'],
    ['*', "a '*' that repeats nothing"],
    ['a{2,1}', '{2,1}'],
    ['a{,2}', "a '{' that begins no"],
    ['^*', 'an assertion'],
    ['\\xg0', 'a \\x without 2 hexadecimal digits'],
    ['a\\', 'ends in a backslash'],
    ['x'.repeat(257), 'is 257 characters long, the limit is 256'],
    ['a{2000}', 'the limit is 4000'],
    ['((((){1000}){1000}){1000}){1000}', 'the limit is 4000'],
    [`(${'('.repeat(9)}a${`{${'9'.repeat(20)}})`.repeat(9)}){0}a{4000}`, 'the limit is 4000'],
    ['a{99999999999999999999}', 'the limit is 4000'],
  ])('refuse %s by name', (source, name) => {
    expect(errorOf(source)).toContain(name);
  });
});
