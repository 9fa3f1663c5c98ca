import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { checkDocument } from './check-document.js';
import {
  configurations,
  lexPieces,
  mutationsOf,
  readKeywordLines,
} from './config-texts.test-support.js';
import {
  HaproxyJudge,
  type HaproxyVerdict,
  isHaproxyInstalled,
  readHaproxyFacts,
  VERDICT_FACTOR,
} from './haproxy.test-support.js';
import { mergeOwned } from './merge-owned.js';
import { listDiagnostics, parse, print } from './parse.js';
import { printCanonical } from './print-canonical.js';

/** HAProxy starts anew for each text, and the machine may have other work. */
const SLOW_MS = 600_000;
const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/haproxy-config');
/** So long a first line that no later one makes HAProxy 2.6 enlarge its buffer, where it errs (see README). */
const WARM_UP = `#${'w'.repeat(8000)}\n`;
const judge = new HaproxyJudge();
const facts = isHaproxyInstalled ? readHaproxyFacts() : { version: '2.6.12', features: [] };
let accepted = 0;
afterAll(() => {
  if (VERDICT_FACTOR > 1)
    console.info(`${judge.count} texts judged by haproxy, ${accepted} pairs accepted`);
  judge.close();
});

/** What HAProxy's lexer says when it refuses a line. */
const LEXER_ALERT =
  /ALERT.*(?:unmatched quote|unmatched brace|hexadecimal sequence|variable name|word expansion|too many words|Missing LF|Stray NUL|scope name|premature end of scope|unexpected.*scope)/i;

/** Judges a text and its canonical form, and compares both with our own findings. */
function compare(text: string): HaproxyVerdict {
  const document = parse(text);
  const canonical = printCanonical(document);
  expect(print(document)).toBe(text);
  const before = judge.judge(text);
  const after = judge.judge(canonical);
  const seen = { text, canonical, output: before.output, outputAfter: after.output };
  expect({ ...seen, isAccepted: after.isAccepted }).toEqual({
    ...seen,
    isAccepted: before.isAccepted,
  });
  const findings = checkDocument(document, facts).filter(({ severity }) => severity === 'error');
  if (before.isAccepted) expect({ ...seen, findings }).toEqual({ ...seen, findings: [] });
  const hasLexerError = listDiagnostics(document).some(({ severity }) => severity === 'error');
  if (LEXER_ALERT.test(before.output))
    expect({ ...seen, hasLexerError }).toEqual({ ...seen, hasLexerError: true });
  if (before.isAccepted) accepted++;
  return before;
}

describe.skipIf(!isHaproxyInstalled)('HAProxy judges a text and its canonical form alike', () => {
  it.each(readdirSync(FIXTURES).filter((name) => name.endsWith('.cfg')))(
    'when it is %s',
    (name) => {
      compare(readFileSync(join(FIXTURES, name), 'utf8'));
    },
    SLOW_MS,
  );

  it.each(['edge.cfg', 'every-section.cfg', 'conditions.cfg', 'crlf.cfg'])(
    'and accepts %s with parts merged into it',
    (name) => {
      const merged = mergeOwned(
        readFileSync(join(FIXTURES, name), 'utf8'),
        [
          { kind: 'lines', name: 'g', section: { kind: 'global' }, lines: [['maxconn', '100']] },
          {
            kind: 'lines',
            name: 'p',
            section: { kind: 'peers', name: 'owned' },
            lines: [['peer', 'x', '127.0.0.1:10009']],
          },
          {
            kind: 'sections',
            name: 's',
            sections: [
              { kind: 'defaults', name: 'own', lines: [['mode', 'http']] },
              {
                kind: 'backend',
                name: 'shop',
                from: 'own',
                lines: [['server', 's', '127.0.0.1:1']],
              },
            ],
          },
        ],
        { owner: 'edge' },
      );

      expect(judge.judge(print(merged))).toMatchObject({ isAccepted: true });
      expect(compare(print(merged)).isAccepted).toBe(true);
    },
    SLOW_MS,
  );

  it(
    'when it has every keyword line there is',
    () => {
      for (const [kind, lines] of readKeywordLines()) {
        if (kind === 'proxy' || kind === 'frontend') continue;
        const name = kind === 'global' ? '' : ' n';
        const text = `${kind}${name}\n${lines.map((line) => `\t${line}\n`).join('')}`;

        compare(text);
      }
      const proxies = ['proxy', 'frontend'].map(
        (kind) =>
          `listen ${kind}\n${(readKeywordLines().get(kind) ?? []).map((line) => `  ${line}\n`).join('')}`,
      );
      for (const text of proxies) compare(WARM_UP + text);
    },
    SLOW_MS,
  );

  it(
    'when it is put together from keyword lines',
    () => {
      let count = 0;
      fc.assert(
        fc.property(configurations(), (text) => {
          if (compare(WARM_UP + text).isAccepted) count++;
        }),
        { numRuns: 25 * VERDICT_FACTOR, endOnFailure: true },
      );
      expect(count).toBeGreaterThan(0);
    },
    SLOW_MS,
  );

  it(
    'when it is such a text with faults put in',
    () => {
      fc.assert(
        fc.property(mutationsOf(configurations()), (text) => {
          compare(WARM_UP + text);
        }),
        { numRuns: 25 * VERDICT_FACTOR, endOnFailure: true },
      );
    },
    SLOW_MS,
  );

  it(
    'when it is made of what the lexer cares for',
    () => {
      fc.assert(
        fc.property(fc.array(lexPieces, { maxLength: 12 }), (pieces) => {
          compare(`${WARM_UP}global\n description ${pieces.join('')}\n`);
        }),
        { numRuns: 20 * VERDICT_FACTOR, endOnFailure: true },
      );
    },
    SLOW_MS,
  );
});

it.runIf(process.env['CI'] === 'true')('has haproxy to compare with where CI is true', () => {
  expect(isHaproxyInstalled).toBe(true);
});
