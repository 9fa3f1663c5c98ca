import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeSyntax, findSyntaxProblem } from './json-syntax.js';

it.each([
  ['{"id": "/a", "cmd": }', 'line 1, column 21: "}" stands where a value is expected'],
  [
    '{\n  "id": "/a"\n  "cmd": "x"\n}',
    'line 3, column 3: "\\"cmd\\":" stands where \',\' or \'}\' is expected',
  ],
  ['{"id"', "line 1, column 6: the body ends where ':' is expected"],
  ['{"id":"/a",}', 'line 1, column 12: "}" stands where a name in double quotes is expected'],
  [
    "{'id':'a'}",
    "line 1, column 2: \"'id':'a'}\" stands where a name in double quotes or '}' is expected",
  ],
  [
    '{"a":"\\x"}',
    'line 1, column 7: "\\\\x\\"}" stands where an escape that JSON knows is expected',
  ],
  ['[1] x', 'line 1, column 5: "x" stands where the end is expected'],
  ['[01]', 'line 1, column 2: "01]" stands where a value is expected'],
  ['"open', 'line 1, column 6: the body ends where the closing quote of a text is expected'],
])('%j: %s', (text, words) => {
  expect(describeSyntax(text)).toBe(words);
});

it('agrees with the parser on what is JSON', () => {
  const broken = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', ',', '"', '}', '[', '1', '\\', ' ', '\n', 'e'),
    )
    .map(([text, at, cut, put]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(place + cut);
    });
  fc.assert(
    fc.property(broken, (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect(findSyntaxProblem(text) === undefined).toBe(isJson);
    }),
    { numRuns: 2_000 },
  );
});

it('takes any depth', () => {
  expect(findSyntaxProblem('['.repeat(1_000_000))?.position).toBe(1_000_000);
});
