// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listDiagnostics, parse, print } from './parse.js';

const ENVIRONMENT = { FOO: 'p q', EMPTY: '' };

/** Text made of the pieces that mean something to the lexer, so that random texts reach its corners. */
const configLikeText = fc
  .array(
    fc.oneof(
      fc.constantFrom('backend b', '    server s 10.0.0.1:80', 'no option', '.if', '.endif', '[a]'),
      fc.constantFrom(
        ' ',
        '\t',
        '\v',
        '\n',
        '\r',
        '\r\n',
        '\0',
        '"',
        "'",
        '\\',
        '#',
        'a',
        'é',
        '𝄞',
      ),
      fc.constantFrom(
        '$FOO',
        '${FOO}',
        '${NO-d e}',
        '${FOO[*]}',
        '${FOO[',
        '${',
        '$',
        '}',
        '$.LINE',
      ),
      fc.constantFrom('\\x41', '\\x4', '\\x00', '\\n', '\\ ', '\\#', '\\$', '\\"', '\\1'),
    ),
    { maxLength: 80 },
  )
  .map((pieces) => pieces.join(''));

describe('parse and print', () => {
  it('give back any text byte for byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        expect(print(parse(text))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('give back any sequence of UTF-16 units, lone surrogates too', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 });

    fc.assert(
      fc.property(units, (codes) => {
        const text = String.fromCharCode(...codes);

        expect(print(parse(text))).toBe(text);
      }),
    );
  });

  it('give back any text that looks like configuration, with and without an environment', () => {
    fc.assert(
      fc.property(configLikeText, (text) => {
        expect(print(parse(text))).toBe(text);
        expect(print(parse(text, { environment: ENVIRONMENT }))).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });

  it('put every line on its own, and every finding inside its line', () => {
    fc.assert(
      fc.property(configLikeText, (text) => {
        const { lines } = parse(text);

        expect(lines.length).toBe(text.split('\n').length - (/(^|\n)$/.test(text) ? 1 : 0));
        for (const finding of listDiagnostics({ lines, options: {} })) {
          const source = text.split('\n')[finding.line - 1] ?? '';
          expect(finding.column).toBeGreaterThanOrEqual(1);
          expect(finding.column).toBeLessThanOrEqual(source.length + 1);
        }
      }),
    );
  });

  it('read an unchanged line the same way wherever it stands', () => {
    fc.assert(
      fc.property(configLikeText, (text) => {
        const line = text.replaceAll('\n', ' ').replaceAll('$.LINE', '');
        const alone = parse(`${line}\n`).lines[0];
        const later = parse(`# first\n${line}\n`).lines[1];

        expect(later).toEqual(alone);
      }),
    );
  });
});

describe('parse', () => {
  it('cuts a line into indent, words, separators, comment and line end', () => {
    const { lines } = parse('  bind\t "a b":80  # web\r\n');

    expect(lines).toEqual([
      {
        kind: 'statement',
        indent: '  ',
        words: [
          { raw: 'bind', value: 'bind' },
          { raw: '"a b":80', value: 'a b:80' },
        ],
        separators: ['\t ', '  '],
        comment: '# web',
        ignored: '',
        eol: '\r\n',
        diagnostics: [],
      },
    ]);
  });

  it('has no lines for an empty text', () => {
    expect(parse('').lines).toEqual([]);
  });

  it('keeps comments and white space of a line without words', () => {
    const { lines } = parse('\t# only a comment\n   \n');

    expect(lines.map(({ kind, indent, comment }) => ({ kind, indent, comment }))).toEqual([
      { kind: 'blank', indent: '\t', comment: '# only a comment' },
      { kind: 'blank', indent: '   ', comment: '' },
    ]);
  });

  it('takes a line beginning with [ as a scope and not as words', () => {
    const { lines } = parse('[it\'s] x\n  [ok] # "\n');

    expect(lines.map(({ kind }) => kind)).toEqual(['scope', 'scope']);
    expect(lines.map(({ diagnostics }) => diagnostics.map(({ code }) => code))).toEqual([
      ['invalid-scope'],
      [],
    ]);
  });

  it('decodes .FILE, .LINE and .SECTION as HAProxy has them at that line', () => {
    const text = [
      '.notice "$.FILE:$.LINE:$.SECTION"',
      'global',
      '.notice "$.LINE ${.SECTION}"',
      'backend web',
      '.notice "$.LINE ${.SECTION}"',
      '',
    ].join('\n');

    const { lines } = parse(text, { fileName: 'edge.cfg' });

    expect(lines.map(({ words }) => words[1]?.value)).toEqual([
      'edge.cfg:1:',
      undefined,
      '3 global',
      'web',
      '5 web',
    ]);
  });

  it.each([
    ['a "b', 'unmatched-quote', 3],
    ["a 'b\\'c'", 'unmatched-quote', 8],
    ['a b\\x4g', 'invalid-hex-escape', 4],
    ['a "$1"', 'invalid-variable-name', 5],
    ['a "${é}"', 'invalid-variable-name', 6],
    ['a "$.LINES"', 'invalid-variable-name', 5],
    ['a "${FOO"', 'unmatched-brace', 4],
    ['a "${FOO-bar"', 'unmatched-brace', 4],
    ['a "${FOO[1]}"', 'invalid-word-expansion', 9],
    ['a \0', 'stray-nul', 3],
    ['a # \0', 'stray-nul', 5],
    ['"" a', 'empty-first-word', 1],
    ['a\rb', 'ignored-text', 2],
    ['a b\\x00c', 'encoded-nul', 4],
  ])('reports for %j %s at column %i', (line, code, column) => {
    const found = listDiagnostics(parse(`first\n${line}\n`));

    expect(found.map((finding) => [finding.line, finding.code, finding.column])).toEqual([
      [2, code, column],
    ]);
  });

  it('reports a last line without its line feed', () => {
    expect(listDiagnostics(parse('a\nb'))).toEqual([
      {
        severity: 'error',
        code: 'missing-final-newline',
        message: 'the last line must end with a line feed',
        line: 2,
        column: 2,
      },
    ]);
  });

  it('accepts 64 words and reports the 65th, which white space behind the 64th begins', () => {
    const words = (count: number) => Array.from({ length: count }, () => 'w').join(' ');

    const found = listDiagnostics(
      parse(`${words(64)}\n${words(63)} \n${words(65)} x y\n${words(64)} \n${words(64)}#\n`),
    );

    expect(found.map(({ line, code, column }) => [line, code, column])).toEqual([
      [3, 'too-many-words', 128],
      [4, 'too-many-words', 128],
    ]);
    expect(listDiagnostics(parse(`${words(64)} \n`, { version: '3.2.0' }))).toEqual([]);
  });
});
