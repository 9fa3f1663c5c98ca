// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isHaproxyInstalled, readHaproxyFacts } from './haproxy.test-support.js';
import { listDiagnostics, parse } from './parse.js';
import { quote } from './quote.js';
import { renderSections } from './render-sections.js';

const { version } = isHaproxyInstalled ? readHaproxyFacts() : { version: '' };

const ENVIRONMENT = { FOO: 'p q  r', EMPTY: '', LEAD: ' a b ', GAP: 'p  q' };
const FAILS_FROM_ERRORS = 40; // HAProxy stops reading a file after 50 errors.

/** Lines long enough that HAProxy 2.6 need not grow its buffer later: when it does, `${NAME-default}` fails (see README). */
const WARM_UP = `.diag ${'w'.repeat(8000)}\n`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'haproxy-verdict-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function runHaproxy(text: string): { readonly accepted: boolean; readonly output: string } {
  const file = join(folder, 'edge.cfg');
  writeFileSync(file, text);
  const { PATH } = process.env;
  const result = spawnSync('haproxy', ['-c', '-f', file], {
    env: { ...ENVIRONMENT, ...(PATH !== undefined && { PATH }) },
    encoding: 'utf8',
    timeout: 20_000,
  });
  // A file without listeners gives status 2 without an alert: nothing is wrong with its text.
  const output = result.stderr.replaceAll(folder, '');
  return { accepted: result.status !== 1 && !output.includes('[ALERT]'), output };
}

type Verdict = { readonly value: string } | { readonly surplus: string } | 'refused' | 'silent';

/**
 * What HAProxy makes of `.notice <text>` for each text: the one decoded word, or why there is none. Since 3.2 it says no word of a file
 * with a line its lexer refuses, so that it is asked again without those.
 */
function askHaproxy(texts: readonly string[]): readonly Verdict[] {
  const verdicts = askOnce(texts.map((text) => `.notice ${text}`));
  if (!verdicts.includes('silent')) return verdicts;
  const isRefused = (place: number): boolean => verdicts[place] === 'refused';
  const again = askOnce(texts.map((text, place) => (isRefused(place) ? '#' : `.notice ${text}`)));
  return again.map((verdict, place) => (isRefused(place) ? 'refused' : verdict));
}

function askOnce(texts: readonly string[]): readonly Verdict[] {
  const { output } = runHaproxy(WARM_UP + texts.map((text) => `${text}\n`).join(''));
  const verdicts: Verdict[] = texts.map(() => 'silent');
  const entries = output.split(/^\[(NOTICE|ALERT)\] +\(\d+\) : config : parsing \[\/edge\.cfg:/m);
  for (let index = 1; index + 1 < entries.length; index += 2) {
    const [, number, body = ''] = /^(\d+)\]: ([\s\S]*)$/.exec(entries[index + 1] ?? '') ?? [];
    const place = Number(number) - 2;
    if (entries[index] === 'NOTICE') {
      const value = /^'([\s\S]*)'\.\n/.exec(body)?.[1];
      if (value !== undefined) verdicts[place] = { value };
    } else {
      const surplus = /^Unexpected argument '([\s\S]*)' for '\.notice'/.exec(body)?.[1];
      verdicts[place] = surplus === undefined ? 'refused' : { surplus };
    }
  }
  return verdicts;
}

/** The same from our own reading. */
function askLexer(texts: readonly string[]): readonly Verdict[] {
  const text = WARM_UP + texts.map((line) => `.notice ${line}\n`).join('');
  const { lines } = parse(text, { environment: ENVIRONMENT, fileName: '/edge.cfg' });
  return texts.map((_text, index) => {
    const line = lines[index + 1];
    const values = (line?.words ?? []).flatMap((word) => word.expansion ?? word.value).slice(1);
    if (line?.diagnostics.some(({ severity }) => severity === 'error')) return 'refused';
    const [value = '', surplus = ''] = values;
    return surplus === '' ? { value } : { surplus };
  });
}

const piece = fc.oneof(
  fc.constantFrom(
    'a',
    'B',
    '-',
    ' ',
    ' ',
    '\t',
    '"',
    '"',
    "'",
    '\\',
    '#',
    '\r',
    '}',
    '[',
    'é',
    '\v',
  ),
  fc.constantFrom(
    '$FOO',
    '${FOO}',
    '${NO-d e}',
    '${FOO[*]}',
    '${LEAD[*]}',
    '${EMPTY}',
    '$.LINE',
    '$',
  ),
  fc.constantFrom(
    '"$FOO"',
    '"${NO-x}"',
    '"${FOO[*]}"',
    '"${EMPTY[*]}"',
    '"${EMPTY-x}"',
    '"${GAP[*]}"',
    '"$.SECTION"',
    '"\\$"',
  ),
  fc.constantFrom('\\x41', '\\x4', '\\n', '\\t', '\\ ', '\\#', '\\"', "\\'", '\\1', '\\$', '\\\\'),
);
const lineText = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

describe.skipIf(!isHaproxyInstalled)('HAProxy itself', () => {
  it('reads back the exact value of every quoted word', () => {
    const value = fc
      .oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary-ascii' }), lineText)
      .map((text) => text.replaceAll('\0', ''));

    fc.assert(
      fc.property(fc.array(value, { minLength: 200, maxLength: 200 }), (values) => {
        expect(askHaproxy(values.map(quote))).toEqual(values.map((text) => ({ value: text })));
      }),
      { numRuns: 5, endOnFailure: true },
    );
  });

  it('accepts, refuses and decodes random lines as the lexer does', () => {
    const lines = fc.array(lineText, {
      minLength: FAILS_FROM_ERRORS,
      maxLength: FAILS_FROM_ERRORS,
    });

    fc.assert(
      fc.property(lines, (texts) => {
        expect(askLexer(texts)).toEqual(askHaproxy(texts));
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  it.each([
    ['64 words', `backend b\n acl x src${' 10.0.0.1'.repeat(61)}\n`],
    ['64 words and white space', `backend b\n acl x src${' 10.0.0.1'.repeat(61)} \n`],
    ['65 words', `backend b\n acl x src${' 10.0.0.1'.repeat(62)}\n`],
    ['no final line feed', 'backend b\n mode http'],
    ['only white space on a last line', 'backend b\n  '],
    ['CRLF line ends', 'backend b\r\n mode http\r\n'],
    ['text behind a lone CR', 'backend b\n mode http\r junk "\n'],
    ['NUL in a word', 'backend b\n mode ht\0tp\n'],
    ['NUL in a comment', 'backend b # \0\n'],
    ['a scope', '[any]\nbackend b\n'],
    ['an empty scope', '[]\nbackend b\n'],
    ['words behind a scope', '[any] backend b\n'],
    ['a comment behind a scope', '[any] # "\nbackend b\n'],
    ['a line whose first word is empty', 'backend b\n "" nonsense\n'],
  ])('agrees on whether a file with %s is refused', (_name, text) => {
    const errors = listDiagnostics(parse(text, { version })).filter(
      ({ severity }) => severity === 'error',
    );

    expect(runHaproxy(text).accepted).toBe(errors.length === 0);
  });

  it('accepts a rendered configuration with awkward values', () => {
    const text = renderSections([
      { kind: 'global', lines: [['description', 'it\'s "50%" \\o/ #1 $HOME']] },
      {
        kind: 'defaults',
        lines: [
          ['mode', 'http'],
          ['timeout', 'connect', '3s'],
          ['timeout', 'client', '3s'],
          ['timeout', 'server', '3s'],
        ],
      },
      {
        kind: 'frontend',
        name: 'in',
        lines: [
          ['bind', '127.0.0.1:65535'],
          { verbatim: 'http-request set-header X-Name "a # b" if { path_reg ^/\\d+$ }' },
          [
            'http-request',
            'return',
            'status',
            '503',
            'content-type',
            'text/plain',
            'string',
            'a\nb',
          ],
        ],
      },
    ]);

    expect(runHaproxy(text).output).not.toMatch(/ALERT|WARNING/);
    expect(runHaproxy(text).accepted).toBe(true);
  });
});

it.runIf(process.env['CI'] === 'true')('has haproxy to compare with where CI is true', () => {
  expect(isHaproxyInstalled).toBe(true);
});
