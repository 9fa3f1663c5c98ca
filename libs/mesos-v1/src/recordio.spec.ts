import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecord, RecordDecoder, RecordIoError, utf8Length } from './recordio.js';

const toBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('RecordIO', () => {
  it('counts bytes, not characters', () => {
    expect(encodeRecord('{"a":"ü€😀"}')).toBe(`17\n{"a":"ü€😀"}`);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(utf8Length(text)).toBe(toBytes(text).length);
      }),
    );
  });

  it('gives back what was encoded, however the bytes are cut', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 8 });
    fc.assert(
      fc.property(texts, fc.array(fc.integer({ min: 1, max: 9 })), (records, cuts) => {
        const bytes = toBytes(records.map(encodeRecord).join(''));
        const decoder = new RecordDecoder();
        const seen: string[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          for (const record of decoder.push(bytes.subarray(at, at + cut))) {
            seen.push(new TextDecoder().decode(record));
          }
          at += cut;
        }
        for (const record of decoder.push(bytes.subarray(Math.min(at, bytes.length)))) {
          seen.push(new TextDecoder().decode(record));
        }
        expect(seen).toEqual(records);
      }),
    );
  });

  it('refuses lengths that are none', () => {
    for (const text of ['\n', '0\n', 'x1\n', '99999999999\n']) {
      expect(() => new RecordDecoder().push(toBytes(text))).toThrow(RecordIoError);
    }
  });
});
