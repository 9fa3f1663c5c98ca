import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lex } from './lex-line.js';
import { listDiagnostics, parse, print } from './parse.js';
import { formatLine, quote } from './quote.js';

const specialText = fc
  .array(
    fc.constantFrom(' ', '"', "'", '\\', '#', '$', '{', '}', '[', '\n', '\r', '\t', 'x41', 'a'),
  )
  .map((pieces) => pieces.join(''));
const value = fc
  .oneof(fc.string({ unit: 'binary' }), fc.string(), specialText)
  .map((text) => text.replaceAll('\0', ''));

describe('quote', () => {
  it.each([
    ['', '""'],
    ['10.0.0.1:80', '10.0.0.1:80'],
    ['[::1]:80', '[::1]:80'],
    ['%[req.hdr(host),lower]', '%[req.hdr(host),lower]'],
    ['$FOO', '$FOO'],
    ['two words', '"two words"'],
    ["it's", `"it's"`],
    ['a#b', '"a#b"'],
    ['^/api/\\d+$', "'^/api/\\d+$'"],
    ['say "hi"', `'say "hi"'`],
    ['it\'s "$5"', '"it\'s \\"\\$5\\""'],
    ['a\r\nb\tc', '"a\\r\\nb\\tc"'],
    ['\u0001\u007f', '"\\x01\\x7f"'],
    ['a\u00a0b', '"a\u00a0b"'],
    ['é', 'é'],
  ])('writes %j as %s', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  it('is read back as exactly one word with that value', () => {
    fc.assert(
      fc.property(value, (text) => {
        const { values, diagnostics } = lex(quote(text), { environment: { x41: 'set', a: 'set' } });

        expect(values).toEqual([text]);
        expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  it('never breaks the line', () => {
    fc.assert(fc.property(value, (text) => !/[\n\r]/.test(quote(text))));
  });

  it('refuses NUL with a typed error', () => {
    expect(() => quote('a\0b')).toThrow(
      expect.objectContaining({ name: 'ConfigWriteError', code: 'nul-in-word' }),
    );
  });
});

describe('formatLine', () => {
  it('writes indent, words and comment', () => {
    expect(formatLine(['option', 'httpchk', 'GET /'], { indent: 4, comment: 'probe' })).toBe(
      '    option httpchk "GET /" # probe',
    );
  });

  it('is read back as the same words, also when the first begins with [', () => {
    const words = fc
      .array(value, { minLength: 1, maxLength: 64 })
      .filter(([first]) => first !== '');

    fc.assert(
      fc.property(words, (list) => {
        const text = `${formatLine(list, { indent: 2 })}\n`;
        const document = parse(text);

        expect(document.lines.map(({ kind }) => kind)).toEqual(['statement']);
        expect(document.lines[0]?.words.map((word) => word.value)).toEqual(list);
        expect(listDiagnostics(document)).toEqual([]);
        expect(print(document)).toBe(text);
      }),
    );
  });

  it.each([
    [[], 'no-words'],
    [['', 'a'], 'empty-first-word'],
    [Array.from({ length: 65 }, () => 'w'), 'too-many-words'],
    [['a', '\0'], 'nul-in-word'],
  ])('refuses %j with %s', (words, code) => {
    expect(() => formatLine(words)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a comment that would leave its line', () => {
    expect(() => formatLine(['a'], { comment: 'x\nuser root' })).toThrow(
      expect.objectContaining({ code: 'line-break-in-comment' }),
    );
  });
});
