// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { checkDocument } from './check-document.js';
import { parseCondition } from './condition-expression.js';
import {
  type ConditionFacts,
  evaluateCondition,
  type Truth,
  toEnvironmentState,
} from './condition-facts.js';
import { evaluateConditions } from './evaluate-conditions.js';
import {
  HaproxyJudge,
  isHaproxyInstalled,
  readHaproxyFacts,
  VERDICT_FACTOR,
} from './haproxy.test-support.js';
import { isCertainlySince } from './haproxy-version.js';
import { lex } from './lex-line.js';
import { parse } from './parse.js';
import { quote } from './quote.js';
import { quoteArgument } from './sample-expression.js';

/** HAProxy starts anew for each text, and the machine may have other work. */
const SLOW_MS = 600_000;
const ENVIRONMENT = { SET: 'yes', EMPTY: '', WORDS: 'a b' };
const judge = new HaproxyJudge(ENVIRONMENT);
afterAll(() => judge.close());
const { version, features } = isHaproxyInstalled
  ? readHaproxyFacts()
  : { version: '2.6.12', features: [] };
const facts: ConditionFacts = { version, features, enabled: [] };

const errorsOf = (text: string): readonly string[] =>
  checkDocument(parse(text, { environment: ENVIRONMENT, version }), facts)
    .filter(({ severity }) => severity === 'error')
    .map(({ code }) => code);

const isSinceThree = isCertainlySince(version, '3.0');
const isSinceThreeTwo = isCertainlySince(version, '3.2');
/** What a later version refuses as something else, or alone. */
const since = (isLater: boolean, code: string, before?: string): string | undefined =>
  isLater ? code : before;

const dangling = since(isSinceThreeTwo, 'unexpected-argument', 'statement-outside-section');

/** One text for each rule, with the code of the error expected, or none. */
const RULES: readonly (readonly [text: string, code?: string | undefined])[] = [
  ['backend a\nbackend a\n', 'duplicate-name'],
  ['frontend a\nbackend a\n'],
  ['frontend a\nlisten a\n', 'duplicate-name'],
  ['backend a\nlisten a\n', since(isSinceThreeTwo, 'duplicate-name')],
  ['listen a\nbackend a\n', 'duplicate-name'],
  ['backend a\nlisten a\nfrontend a\n', 'duplicate-name'],
  ['backend a\nlog-forward a\n', 'duplicate-name'],
  ['log-forward a\nbackend a\n', 'duplicate-name'],
  ['frontend a\nlog-forward a\n', 'duplicate-name'],
  ['defaults a\nlog-forward a\n'],
  ['defaults a\ndefaults a\n'],
  ['defaults a\ndefaults a\nbackend x from a\n', 'ambiguous-defaults'],
  ['defaults a\nbackend x from a\ndefaults a\n', since(isSinceThreeTwo, 'duplicate-name')],
  ['defaults a\ndefaults b from a\ndefaults a\n', since(isSinceThreeTwo, 'duplicate-name')],
  ['defaults a\nbackend x\ndefaults a\n'],
  ['defaults a\nbackend x\nbackend y from a\n'],
  ['backend x from a\ndefaults a\n', 'unknown-defaults'],
  ['defaults a\nbackend x from a b\n', 'unexpected-argument'],
  ['backend x from\nbackend y foo bar\n', since(isSinceThreeTwo, 'unexpected-argument')],
  ['backend x from\n mode tcp\n', dangling],
  ['backend x from ""\n no option httpclose\n', dangling],
  [
    'backend x foo\n.notice x\nbackend x\n mode tcp\n',
    since(isSinceThreeTwo, 'unexpected-argument'),
  ],
  [
    'defaults d\nbackend x foo\nbackend y from d\n mode tcp\n',
    since(isSinceThreeTwo, 'unexpected-argument'),
  ],
  ['defaults a from\n', 'missing-name'],
  ['defaults a from ""\n', 'missing-name'],
  ['defaults a b\n mode tcp\n'],
  ['defaults from\n mode tcp\n'],
  ['defaults a from a\n', 'unknown-defaults'],
  ['defaults from a\n', 'unknown-defaults'],
  ['defaults a\ndefaults from a\n'],
  // 3.2 takes the second for another "from" and does not find the first.
  ...(isSinceThreeTwo
    ? []
    : [['defaults from\ndefaults from from\nbackend x from from\n'] as const]),
  ['defaults from a b\n'],
  ['defaults a\ndefaults b from a\n'],
  ['defaults "a b"\nbackend x\n'],
  ['defaults "a b"\nbackend x from "a b"\n', 'invalid-name'],
  ['backend\n', 'missing-name'],
  ['backend ""\n', 'missing-name'],
  ['backend "" a\n', 'missing-name'],
  ['backend a$b\n', 'invalid-name'],
  ['listen é\n', 'invalid-name'],
  ['listen a:b.c_d-E9\n'],
  ['global foo\n', 'unexpected-argument'],
  ['global "" foo\nglobal\n'],
  ['userlist\n', 'missing-name'],
  ['userlist a!\n', 'invalid-name'],
  ['userlist a\nuserlist a\n'],
  ['userlist a b\n', 'unexpected-argument'],
  ['peers\n', 'missing-name'],
  ['peers "a b"\n', 'invalid-name'],
  ['peers a\npeers a\n', 'duplicate-name'],
  ['peers a b\n', 'unexpected-argument'],
  ['mailers\n', 'missing-name'],
  ['mailers a!\n', 'invalid-name'],
  ['mailers a\nmailers a\n', 'duplicate-name'],
  ['mailers a b\n'],
  ['namespace_list\nnamespace_list a b\n'],
  ['resolvers\n', 'missing-name'],
  ['resolvers a!\n', 'invalid-name'],
  ['resolvers a\nresolvers a\n', 'duplicate-name'],
  ['cache\n', 'missing-name'],
  ['cache a!b\n total-max-size 4\n'],
  ['cache a\n total-max-size 4\ncache a\n total-max-size 4\n', 'duplicate-name'],
  ['cache a b\n total-max-size 4\n', 'unexpected-argument'],
  ['ring\n', 'missing-name'],
  ['ring a!\n', 'invalid-name'],
  ['ring a b\n'],
  ['ring a\nring a\n', 'duplicate-name'],
  ['ring stderr\n', 'duplicate-name'],
  ['log-forward\n', 'missing-name'],
  ['log-forward a!\n', 'invalid-name'],
  ['log-forward a b\n', 'unexpected-argument'],
  ['log-forward a\nlog-forward a\n', 'duplicate-name'],
  ['http-errors\n', 'missing-name'],
  ['http-errors a!\n', 'invalid-name'],
  ['http-errors a b\n'],
  ['http-errors a\nhttp-errors a\n', 'duplicate-name'],
  ['fcgi-app\n', 'missing-name'],
  ['fcgi-app a!\n docroot /x\n', 'invalid-name'],
  ['fcgi-app a\n docroot /x\nfcgi-app a\n docroot /y\n', 'duplicate-name'],
  ['program\n', 'missing-name'],
  ['crt-store x\n', isSinceThree ? undefined : 'unknown-section'],
  ['mode http\n', 'statement-outside-section'],
  ['no option httplog\n', 'statement-outside-section'],
  ['.if 0\nmode http\n.endif\n'],
  ['"[x]"\n', 'statement-outside-section'],
  ['no\n', 'modifier-not-allowed'],
  ['backend a\n no\n', 'modifier-not-allowed'],
  ['backend a\n no mode http\n', 'modifier-not-allowed'],
  ['backend a\n default mode http\n', 'modifier-not-allowed'],
  ['backend a\n no no option forwardfor\n', 'modifier-not-allowed'],
  ['backend a\n no ""\n', 'modifier-not-allowed'],
  ['backend a\n no log\n no option httpclose\n'],
  ['global\n no busy-polling\n no set-dumpable\n no strict-limits\n no numa-cpu-mapping\n'],
  ['no backend a\n', 'modifier-not-allowed'],
  ['no .if 0\n', 'modifier-not-allowed'],
  ['.if 0\n no backend a\n.endif\n'],
  ['.foo\n', 'unknown-directive'],
  ['.if 0\n.foo\n.endif\n'],
  ['.alert x\n', 'alert-directive'],
  ['.alert x y\n', 'unexpected-argument'],
  ['.if 0\n.alert x\n.endif\n'],
  ['.notice\n.warning x ""\n.diag x "" y\n'],
  ['.notice a b\n', 'unexpected-argument'],
  ['.warning "" b\n', 'unexpected-argument'],
  ['.if 0\n.notice a b\n.endif\n'],
  ['.if 1\n', 'unclosed-condition'],
  ['.endif\n', 'condition-without-if'],
  ['.else\n', 'condition-without-if'],
  ['.elif 1\n', 'condition-without-if'],
  ['.if 1\n.else\n.else\n.endif\n', 'branch-after-else'],
  ['.if 1\n.else\n.elif 1\n.endif\n', 'branch-after-else'],
  ['.if 0\n.if 0\n.else\n.else\n.endif\n.endif\n', 'branch-after-else'],
  ['.if 1\n.else x\n.endif\n', 'unexpected-argument'],
  ['.if 0\n.if 0\n.else x\n.endif\n.endif\n', 'unexpected-argument'],
  ['.if 1\n.endif x\n', 'unexpected-argument'],
  ['.if 1\n.else "" x\n.endif "" y\n'],
  ['.if\n.endif\n'],
  ['.if bogus(\n.endif\n', 'invalid-condition'],
  ['.if 0\n.if bogus(\n.endif\n.endif\n'],
  ['.if 1\n.elif bogus(\n.endif\n'],
  ['.if 0\n.elif bogus(\n.endif\n', 'invalid-condition'],
  ['.if 0\nx "unclosed\n.endif\n', 'unmatched-quote'],
  ['.if 0\n[bad scope\n.endif\n', 'invalid-scope'],
  ['[backend]\nbackend a\n mode http\n'],
  ['".if" 0\nbackend a\n foo\n.endif\n'],
  ['global\n setenv A\n', 'invalid-environment-statement'],
  ['global\n setenv A ""\n', 'invalid-environment-statement'],
  ['global\n setenv A b c\n', since(isSinceThree, 'invalid-environment-statement')],
  ['global\n presetenv A b c\n', since(isSinceThree, 'invalid-environment-statement')],
  ['global\n presetenv A b c d\n', 'invalid-environment-statement'],
  ['global\n setenv A=B c\n', 'invalid-environment-statement'],
  ['global\n presetenv "" c\n', 'invalid-environment-statement'],
  ['global\n unsetenv\n', 'invalid-environment-statement'],
  ['global\n unsetenv A=\n', 'invalid-environment-statement'],
  ['global\n resetenv A B\n resetenv\n'],
  [`${'.if 1\n'.repeat(99)}${'.endif\n'.repeat(99)}`],
  [`${'.if 0\n'.repeat(100)}${'.endif\n'.repeat(100)}`, 'too-deep-condition'],
];

describe.skipIf(!isHaproxyInstalled)('checkDocument and HAProxy', () => {
  it.each(RULES)('agree on %j: %s', (text = '', code) => {
    const errors = errorsOf(text);

    expect(judge.judge(text).isAccepted).toBe(errors.length === 0);
    expect(errors.slice(0, 1)).toEqual(code === undefined ? [] : [code]);
  });

  const line = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom('.if 1', '.if 0', '.elif 1', '.elif 0', '.else', '.endif'),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '.if defined(SET)',
        '.if defined(NEW)',
        '.if streq("$NEW",1)',
        '.if !feature(LUA) || version_before(2.4)',
        '.elif defined(NEW) && 1',
        '.if x',
        '.endif x',
        '.notice "a b"',
        '.notice a b',
        '.foo',
      ),
    },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        'global',
        ' setenv NEW 1',
        ' unsetenv NEW SET',
        ' resetenv NEW',
        ' presetenv NEW 2',
        ' maxconn 10',
      ),
    },
    {
      weight: 5,
      arbitrary: fc.constantFrom(
        'defaults',
        'defaults d',
        'defaults d from d',
        'defaults from d',
        'backend a',
        'backend a from d',
        'backend b from "$NEW"',
        'frontend a',
        'listen a',
        'userlist a',
        'peers a',
        'ring a',
        'backend',
        'backend é',
        ' no option httpclose',
        ' no mode tcp',
        '# comment',
        '',
      ),
    },
  );

  it(
    'agree on random files of directives and headers',
    () => {
      let accepted = 0;
      fc.assert(
        fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
          // What follows is never a statement of the wrong section: those HAProxy alone can judge.
          const text = fitToSections(lines);
          const verdict = judge.judge(text);
          if (verdict.isAccepted) accepted++;
          expect([errorsOf(text).length === 0, text]).toEqual([verdict.isAccepted, text]);
        }),
        { numRuns: 40 * VERDICT_FACTOR, endOnFailure: true },
      );
      expect(accepted).toBeGreaterThan(2);
    },
    SLOW_MS,
  );

  it(
    'agree on which lines are active and what variables are',
    () => {
      const probe = '.notice "$.LINE:$.SECTION:$SET:$NEW:${WORDS-none}"';
      const lines = fc.array(
        fc.constantFrom(
          'global',
          'backend a',
          'setenv NEW 1',
          // Never empty: since 3.2 nothing is said of a file with an error.
          'setenv NEW "$SET${NEW}x"',
          'presetenv NEW 2',
          'unsetenv SET',
          'resetenv WORDS',
          'localpeer zz',
          '.if defined(NEW)',
          '.if streq("$NEW",1) || streq("$HAPROXY_LOCALPEER",zz)',
          '.if 1 && !defined(SET)',
          '.if 1',
          '.elif streq("$NEW",yesx)',
          '.elif 1',
          '.else',
          '.endif',
        ),
        { minLength: 6, maxLength: 30 },
      );

      fc.assert(
        fc.property(lines, (list) => {
          const text = `${'#'.repeat(2000)}\n${closeConditions(list)
            .flatMap((one) => [probe, one])
            .join('\n')}\n${probe}\n`;
          const document = parse(text, { environment: ENVIRONMENT });
          const evaluated = evaluateConditions(document, facts);
          const ours = evaluated.document.lines.flatMap(({ words }, index) =>
            words[0]?.value === '.notice' && evaluated.states[index] === 'active'
              ? [words[1]?.value]
              : [],
          );

          // As it is served: what `-c` of 3.2 reads begins with the variables of an earlier reading.
          const output = judge.serve(`${text}.alert end\n`);

          const theirs = [...output.matchAll(/ parsing \[\/edge\.cfg:\d+\]: '(.*)'\.$/gm)];
          expect(ours).toEqual(theirs.map(([, message]) => message).slice(0, -1));
        }),
        { numRuns: 30 * VERDICT_FACTOR, endOnFailure: true },
      );
    },
    SLOW_MS,
  );

  it(
    'agree on conditions',
    () => {
      const atom = fc.constantFrom(
        ...['0', '1', '08', '0x0', '-1', '+', '', 'x', '(', ')', '()', '(1)', '!', '&&', '||', '|'],
        ...['&&', '||', ' ', '1', '0', '(', ')', '!'],
        ...['defined(SET)', 'defined(NO)', 'defined', 'defined(', 'defined( SET)', 'feature(LUA)'],
        ...['feature(NOPE)', 'streq(a,a)', 'streq(a,b)', 'strneq(a,b)', 'streq(a)', 'streq(,)'],
        ...[
          'streq(a,a,a)',
          'streq("$SET",yes)',
          'streq(\'"a,b"\',\'"a,b"\')',
          'streq(a\\)',
          'enabled(X)',
        ],
        ...['version_atleast(2.6)', 'version_atleast(2.6.12-1)', 'version_before(2.7-dev1)'],
        ...['version_before(9)', 'version_atleast(a)', 'version_atleast(1.2.3.4.5)', 'strstr(a,a)'],
      );
      const condition = fc
        .tuple(fc.array(atom, { minLength: 1, maxLength: 6 }), fc.constantFrom('', ' '))
        .map(([atoms, gap]) => atoms.join(gap));

      const many = fc.array(condition, { minLength: 100, maxLength: 100 });
      const read = (text: string): Truth | 'refused' => {
        const { values } = lex(text, { environment: ENVIRONMENT });
        const parsed = parseCondition(values.join(' '), version);
        const environment = toEnvironmentState(ENVIRONMENT);
        return parsed.ok ? evaluateCondition(parsed.expression, facts, environment) : 'refused';
      };

      fc.assert(
        fc.property(many, (texts) => {
          const valid = texts.filter((text) => lex(text).diagnostics.length === 0);
          const refused = valid.filter((text) => read(text) === 'refused').slice(0, 15);
          const readable = valid.filter((text) => read(text) !== 'refused');
          // All that we can read go into one file; one that HAProxy refuses would end it early.
          const { output } = judge.judge(
            readable
              .map(
                (text, index) =>
                  `.if ${text}\n.notice "${index}true"\n.else\n.notice "${index}false"\n.endif\n`,
              )
              .join(''),
          );
          const theirs = [...output.matchAll(/: '(\d+(?:true|false))'\.$/gm)].map(
            ([, word]) => word,
          );

          expect(theirs).toEqual(readable.map((text, index) => `${index}${read(text)}`));
          for (const text of refused)
            expect([judge.evaluate(text), text]).toEqual([undefined, text]);
        }),
        { numRuns: 2 * VERDICT_FACTOR, endOnFailure: true },
      );
    },
    SLOW_MS,
  );

  it(
    'agree on what quoted arguments of a predicate are',
    () => {
      const piece = fc.constantFrom('a', ' ', ',', ')', '(', '"', "'", '\\', 'n', '$', '#', '\t');
      const value = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(''));
      const pairs = fc.array(fc.tuple(value, value), { minLength: 200, maxLength: 200 });

      fc.assert(
        fc.property(pairs, (list) => {
          const all = [...list, ...list.map(([first]) => [first, first] as const)];
          const { output } = judge.judge(
            all
              .map(([first, second], index) => {
                const call = quote(`streq(${quoteArgument(first)},${quoteArgument(second)})`);
                return `.if ${call}\n.notice "${index}true"\n.else\n.notice "${index}false"\n.endif\n`;
              })
              .join(''),
          );
          const theirs = [...output.matchAll(/: '(\d+(?:true|false))'\.$/gm)].map(
            ([, word]) => word,
          );

          expect(theirs).toEqual(
            all.map(([first, second], index) => `${index}${first === second}`),
          );
        }),
        { numRuns: 2 * VERDICT_FACTOR, endOnFailure: true },
      );
    },
    SLOW_MS,
  );

  it.each([
    ['(', 340],
    ['(', 341],
    ['1&&', 1021],
    ['1&&', 1022],
    ['0||', 1021],
    ['0||', 1022],
  ])('agree on the limit of recursion: %s %i times', (piece, times) => {
    const text = `${piece.repeat(times)}1${piece === '(' ? ')'.repeat(times) : ''}`;

    expect(parseCondition(text).ok).toBe(judge.evaluate(text) !== undefined);
  });
});

/** Leaves out statements that the section around them does not have, whatever the conditions. */
function fitToSections(lines: readonly string[]): string {
  const isGlobalOnly = (text: string): boolean => /^ (?:\w*setenv|resetenv|maxconn)/.test(text);
  let section = '';
  const kept = lines.filter((text) => {
    const [first = ''] = text.split(' ');
    if (/^[a-z]/.test(text)) section = first;
    if (isGlobalOnly(text)) return section === 'global' && !hasOtherHeaders(lines);
    if (text.startsWith(' no'))
      return ['', 'defaults', 'backend'].includes(section) && !hasConditions(lines);
    return true;
  });
  return kept.map((text) => `${text}\n`).join('');
}

function hasOtherHeaders(lines: readonly string[]): boolean {
  return hasConditions(lines) && lines.some((text) => /^[a-z]/.test(text) && text !== 'global');
}

function hasConditions(lines: readonly string[]): boolean {
  return lines.some((text) => text.startsWith('.if'));
}

/** Makes a list of lines into one HAProxy reads to its end: directives match and `global` statements stand in `global`. */
function closeConditions(lines: readonly string[]): readonly string[] {
  const result: string[] = [];
  const blocks: { hasElse: boolean }[] = [];
  for (const text of lines) {
    const block = blocks.at(-1);
    if (text.startsWith('.if')) blocks.push({ hasElse: false });
    else if (text === '.endif') {
      if (blocks.pop() === undefined) continue;
    } else if (text.startsWith('.el')) {
      if (block === undefined || block.hasElse) continue;
      block.hasElse = text === '.else';
    } else if (!/^(?:global|backend)/.test(text)) result.push('global');
    else if (text === 'backend a') {
      result.push(`backend a${result.length}`);
      continue;
    }
    result.push(text);
  }
  return [...result, ...blocks.map(() => '.endif')];
}

it.runIf(process.env['CI'] === 'true')('has haproxy to compare with where CI is true', () => {
  expect(isHaproxyInstalled).toBe(true);
});
