import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogParser } from './docker-log-parser.js';

const PART_BYTES = 16 * 1024;
const header = (nanos: number): string => `2026-11-21T09:28:10.${String(nanos).padStart(9, '0')}Z `;

/** As the engine writes a container with a terminal: lines are cut into parts, of which the last has the newline. */
function written(lines: readonly string[]): Buffer {
  let nanos = 0;
  const entries = lines.flatMap((line) => {
    const parts: string[] = [];
    for (let at = 0; at === 0 || at < line.length; at += PART_BYTES) {
      nanos += 1;
      parts.push(header(nanos) + line.slice(at, at + PART_BYTES));
    }
    return parts;
  });
  return Buffer.from(entries.join(''));
}

function read(whole: Buffer, cuts: readonly number[]): string {
  const ends = [...cuts, whole.length].sort((a, b) => a - b);
  const parser = createLogParser();
  let start = 0;
  const entries = ends.flatMap((end) => {
    const found = parser.parse(whole.subarray(start, end));
    start = end;
    return found;
  });
  return [...entries, ...parser.end()].map(({ data }) => data.toString('latin1')).join('');
}

describe('the log of a terminal', () => {
  it.each([
    [['one\r\n', '\r\n', 'prompt> ']],
    [['a'.repeat(PART_BYTES + 5), '\n', 'b\n'].join('').split(/(?<=\n)/)],
    [[`${'a'.repeat(PART_BYTES)}\n`, 'b\n']],
    [[`${'a'.repeat(3 * PART_BYTES - 1)}\n`, `${'x'.repeat(50)}\n`, 'b\n']],
  ])('gives the same however the stream is cut', (lines) => {
    const whole = written(lines);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 8 }), (cuts) => {
        expect(read(whole, cuts)).toBe(lines.join(''));
      }),
      { numRuns: 40 },
    );
  });

  it('stamps its entries, all of stdout', () => {
    const [entry] = createLogParser().parse(written(['one\n']));

    expect(entry).toMatchObject({ stream: 'stdout', time: header(1).trim() });
  });

  it('refuses what is no such stream', () => {
    const text = `plain terminal output\n${'x'.repeat(2 * PART_BYTES)}\n`;

    expect(() => createLogParser().parse(Buffer.from(text))).toThrow('without a time');
  });
});
