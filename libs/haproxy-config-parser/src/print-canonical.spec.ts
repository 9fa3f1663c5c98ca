// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lexPieces } from './config-texts.test-support.js';
import { valuesOf } from './lex-line.js';
import { parse, print } from './parse.js';
import { printCanonical } from './print-canonical.js';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/haproxy-config');
const configs = readdirSync(FIXTURES).filter((name) => name.endsWith('.cfg'));

describe('printCanonical', () => {
  it.each(configs)(
    'writes %s as its golden file has it, and then changes nothing',
    async (name) => {
      const text = readFileSync(join(FIXTURES, name), 'utf8');

      const canonical = printCanonical(parse(text));

      expect(print(parse(text))).toBe(text);
      expect(printCanonical(parse(canonical))).toBe(canonical);
      await expect(canonical).toMatchFileSnapshot(join(FIXTURES, 'canonical', name));
    },
  );

  it.each([
    ['  global\n\n maxconn\t"10"\n', 'global\n\n    maxconn 10\n'],
    ['backend a\r\n  mode  tcp\r\n', 'backend a\n    mode tcp\n'],
    ['backend a\n# of a\n  # of b \nbackend b\n', 'backend a\n# of a\n# of b\nbackend b\n'],
    ['backend a\n#x\n\n# of b\nbackend b\n', 'backend a\n    #x\n\n# of b\nbackend b\n'],
    ['backend a\n .if  1\n m #c\n\t.endif\n', 'backend a\n.if 1\n    m #c\n.endif\n'],
    ['a#c\n', 'a #c\n'],
    [' x "$A"\\ b \'$A\' "b c"\n', 'x "$A"\\ b $A "b c"\n'],
    ['x \'a\'b"c" \\xe9 \\x41\\ b\n', 'x abc \\xe9 "A b"\n'],
    ['"[x]" \'\'\n', '"[x]" ""\n'],
    [' [x]  \n', '[x]\n'],
    ['  bad "quote\n', '  bad "quote\n'],
    ['  "" skipped\n', '  "" skipped\n'],
    ['  cut  \\x00x\n', '  cut  \\x00x\n'],
    ['x  "$A"\\\t\tb\n', 'x "$A"\\\t\tb\n'],
    ["x  '$A'\\\tb\n", "x '$A\\' b\n"],
    ['a  b\r junk  x\n', 'a  b\r junk  x\n'],
    ['a\n  b  c', 'a\n  b  c'],
    [`${'w '.repeat(63)}w#c\n`, `${'w '.repeat(63)}w#c\n`],
    [`${'w  '.repeat(62)}w #c\n`, `${'w '.repeat(62)}w #c\n`],
  ])('writes %j as %j', (text, canonical) => {
    expect(printCanonical(parse(text))).toBe(canonical);
  });

  it('keeps lines, words, comments and findings of any text, and is its own canonical form', () => {
    fc.assert(
      fc.property(fc.array(lexPieces, { maxLength: 60 }), (pieces) => {
        const document = parse(pieces.join(''), { environment: { FOO: 'p q', EMPTY: '' } });

        const canonical = printCanonical(document);

        const again = parse(canonical, document.options);
        expect(again.lines.length).toBe(document.lines.length);
        for (const [index, line] of document.lines.entries()) {
          const other = again.lines[index];
          expect(valuesOf(other?.words ?? []).map(trimScope)).toEqual(
            valuesOf(line.words).map(trimScope),
          );
          expect(other?.comment.trimEnd()).toBe(line.comment.trimEnd());
          expect(other?.diagnostics.map(({ code }) => code)).toEqual(
            line.diagnostics.map(({ code }) => code),
          );
        }
        expect(printCanonical(again)).toBe(canonical);
      }),
      { numRuns: 3000 },
    );
  });
});

/** The text of a scope runs to the end of its line. */
function trimScope(value: string): string {
  return value.startsWith('[') ? value.trimEnd() : value;
}
