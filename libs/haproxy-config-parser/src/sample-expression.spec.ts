import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArguments, parseSampleExpression, quoteArgument } from './sample-expression.js';

describe('parseArguments', () => {
  it.each([
    ['(a,b)', ['a', 'b']],
    ['()', ['']],
    ['(,)', ['', '']],
    ['( a , b )', [' a ', ' b ']],
    ['("a,b",\'c)d\')', ['a,b', 'c)d']],
    ['(a"b c"d)', ['ab cd']],
    ['(\\n\\t\\\\\\ \\"\\\')', ['\n\t\\ "\'']],
    ['(\\q\\,x)', ['\\q\\', 'x']],
    ["('\\n')", ['\\n']],
    ['("\\x41\\$\\#")', ['\\x41\\$\\#']],
    ['(a(b)', ['a(b']],
  ])('reads %s as %j', (text, values) => {
    expect(parseArguments(text)).toEqual({ ok: true, values, end: text.length });
  });

  it.each([
    ['a', 0],
    ['(a', 2],
    ['("a)', 4],
    ['(a\\', 2],
  ])('finds fault with %s at %i', (text, offset) => {
    expect(parseArguments(text)).toMatchObject({ ok: false, offset });
  });

  it('reads back what quoteArgument writes', () => {
    const piece = fc.constantFrom('a', ' ', ',', ')', '(', '"', "'", '\\', 'n', '\t');
    fc.assert(
      fc.property(fc.array(fc.array(piece), { minLength: 1, maxLength: 4 }), (lists) => {
        const values = lists.map((pieces) => pieces.join(''));

        const list = parseArguments(`(${values.map(quoteArgument).join(',')})`);

        expect(list).toMatchObject({ ok: true, values });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('parseSampleExpression', () => {
  it('reads a fetch and its converters', () => {
    expect(parseSampleExpression('req.hdr(host),lower,regsub("a,b",c)')).toEqual({
      ok: true,
      fetch: { keyword: 'req.hdr', arguments: ['host'], start: 0, end: 13 },
      converters: [
        { keyword: 'lower', start: 14, end: 19 },
        { keyword: 'regsub', arguments: ['a,b', 'c'], start: 20, end: 35 },
      ],
    });
  });

  it.each([
    ['', 0],
    ['src,', 4],
    ['src x', 3],
    ['hdr(a', 5],
    ['hdr(a)b', 6],
  ])('finds fault with %j at %i', (text, offset) => {
    expect(parseSampleExpression(text)).toMatchObject({ ok: false, offset });
  });
});
