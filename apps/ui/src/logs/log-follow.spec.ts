import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogState } from './log-follow.js';
import {
  adoptSize,
  appendRead,
  filterLines,
  INITIAL_TAIL_BYTES,
  MAX_READ_BYTES,
  MAX_TEXT_CHARS,
  nextRead,
} from './log-follow.js';

/** Reads everything there is, as the viewer does, decoding like a server that knows no characters. */
function readAll(file: Uint8Array, from: LogState | undefined, serverMax: number): LogState {
  let state = adoptSize(from, file.length);
  for (let read = nextRead(state, file.length); read; read = nextRead(state, file.length)) {
    const bytes = file.slice(read.offset, read.offset + Math.min(read.length, serverMax));
    const decoded = new TextDecoder().decode(bytes);
    const next = appendRead(state, read, decoded);
    if (next.end <= state.end) {
      throw new Error(`stuck at ${state.end}`);
    }
    state = next;
  }
  return state;
}

describe('following a log', () => {
  it('starts near the end of a big file, at the beginning of a line', () => {
    const file = new TextEncoder().encode('0123456789\n'.repeat(20_000));

    const state = readAll(file, undefined, MAX_READ_BYTES);

    expect(state.isCut).toBe(true);
    expect(state.text.startsWith('0123456789\n')).toBe(true);
    expect(state.text.length).toBeLessThanOrEqual(INITIAL_TAIL_BYTES);
    expect(state.end).toBe(file.length);
  });

  it('adds what was appended and nothing twice', () => {
    const first = readAll(new TextEncoder().encode('a\n'), undefined, 100);
    const second = readAll(new TextEncoder().encode('a\nb\n'), first, 100);

    expect(second.text).toBe('a\nb\n');
  });

  it('begins again when the file became shorter', () => {
    const first = readAll(new TextEncoder().encode('old text\n'), undefined, 100);
    const second = readAll(new TextEncoder().encode('new\n'), first, 100);

    expect(second.text).toBe('new\n');
  });

  it('keeps its place when a character does not decode', () => {
    const file = new Uint8Array([0x61, 0xff, 0x62, 0x0a]);

    const state = readAll(file, undefined, 100);

    expect(state.text).toBe('a\uFFFDb\n');
    expect(state.end).toBe(4);
  });

  it('drops whole lines at the head beyond the limit', () => {
    const line = `${'x'.repeat(99)}\n`;
    const read = { offset: 0, length: line.length };
    let state: LogState = {
      start: 0,
      end: 0,
      text: line.repeat(MAX_TEXT_CHARS / 100),
      isCut: false,
    };
    state = appendRead({ ...state, end: state.text.length }, read, line);

    expect(state.text.length).toBeLessThanOrEqual(MAX_TEXT_CHARS);
    expect(state.text.startsWith('xxx')).toBe(true);
    expect(state.isCut).toBe(true);
  });

  it('shows any text exactly, however the server cuts it', () => {
    void fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }).filter((s) => !/[\0\uFFFD\uFEFF]/.test(s)),
        fc.integer({ min: 4, max: 50 }),
        (text, serverMax) => {
          const file = new TextEncoder().encode(text);

          expect(readAll(file, undefined, serverMax).text).toBe(text);
        },
      ),
    );
  });
});

describe('filterLines', () => {
  it('keeps lines that contain the words in any case', () => {
    expect(filterLines('GET /\nERROR x\n', 'error')).toBe('ERROR x');
    expect(filterLines('a\nb', '')).toBe('a\nb');
  });
});
