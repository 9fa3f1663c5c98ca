import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { tokenizeJson } from './json-tokens.js';

it('tells keys from strings', () => {
  expect(
    tokenizeJson('{"a": "b", "n": -1.5e3, "t": true}').filter((t) => t.kind !== 'other'),
  ).toEqual([
    { kind: 'key', text: '"a"' },
    { kind: 'string', text: '"b"' },
    { kind: 'key', text: '"n"' },
    { kind: 'number', text: '-1.5e3' },
    { kind: 'key', text: '"t"' },
    { kind: 'word', text: 'true' },
  ]);
});

it('loses nothing of any JSON', () => {
  void fc.assert(
    fc.property(fc.json(), fc.nat(4), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), undefined, indent);

      expect(
        tokenizeJson(text)
          .map((t) => t.text)
          .join(''),
      ).toBe(text);
    }),
  );
});
