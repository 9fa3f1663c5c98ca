import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PieceList } from './piece-list.js';

const change = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'remove', 'read'),
  key: fc.nat(600),
  value: fc.oneof(fc.nat(), fc.string()),
});

const textOf = (list: PieceList<unknown>): string => Buffer.concat(list.chunks).toString();

describe('a list kept in pieces', () => {
  it('is the text of a map that went through the same changes', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 1_500 }), (changes) => {
        const list = new PieceList<unknown>();
        const plain = new Map<string, unknown>();
        for (const { kind, key, value } of changes) {
          const name = String(key);
          if (kind === 'put') {
            list.put(name, value, JSON.stringify(value));
            plain.set(name, value);
          } else if (kind === 'remove') {
            list.remove(name);
            plain.delete(name);
          } else {
            expect(JSON.parse(`[${textOf(list)}]`)).toEqual([...plain.values()]);
          }
        }
        expect(textOf(list)).toBe(
          [...plain.values()].map((value) => JSON.stringify(value)).join(','),
        );
        expect(list.byteLength).toBe(Buffer.byteLength(textOf(list)));
        expect(list.size).toBe(plain.size);
        expect(list.firstKey).toBe([...plain.keys()][0]);
      }),
      { numRuns: 50 },
    );
  });

  it('replaces the bytes of the block that changed and no others', () => {
    const list = new PieceList<number>();
    for (let index = 0; index < 1_000; index += 1) list.put(`k${index}`, index, String(index));
    const before = list.chunks;
    const [first] = before;
    const copy = first?.toString();

    list.put('k0', -1, '-1');

    const after = list.chunks;
    expect(after[0]).not.toBe(first);
    expect(after.slice(1).every((bytes, index) => bytes === before[index + 1])).toBe(true);
    expect(first?.toString()).toBe(copy);
  });
});
