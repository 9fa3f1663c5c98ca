import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type StreamPosition, selectNew, sinceSeconds } from './docker-log-copy.js';
import { createFrameParser, type LogEntry } from './docker-log-frames.js';

const timeOf = (nanos: number): string =>
  `2026-11-21T09:28:1${Math.floor(nanos / 1e9)}.${String(nanos % 1e9).padStart(9, '0')}Z`;

function toFrame(stream: 1 | 2, text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

describe('createFrameParser', () => {
  it('gives the same entries however the stream is cut', () => {
    const frames = [
      toFrame(1, `${timeOf(1)} one\n`),
      toFrame(2, `${timeOf(2)} two\n`),
      toFrame(1, `${timeOf(3)} `),
      toFrame(1, `${timeOf(3)} three ü\n`),
    ];
    const whole = Buffer.concat(frames);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length)), (cuts) => {
        const ends = [...cuts, whole.length].sort((a, b) => a - b);
        const parse = createFrameParser();
        let start = 0;
        const entries = ends.flatMap((end) => {
          const found = parse(whole.subarray(start, end));
          start = end;
          return found.map(({ stream, data }) => `${stream} ${data.toString()}`);
        });

        expect(entries).toEqual(['stdout one\n', 'stderr two\n', 'stdout ', 'stdout three ü\n']);
      }),
    );
  });

  it('refuses what is no such stream', () => {
    expect(() => createFrameParser()(Buffer.from('plain terminal output'))).toThrow('limit');
  });
});

describe('a log copy', () => {
  const START: StreamPosition = { last: '', count: 0, bytes: 0 };

  /** What the file holds after copies were cut at byte `cuts[i]`, each with the checkpoint of an earlier moment. */
  function copyWithCuts(log: readonly LogEntry[], cuts: readonly { at: number; saved: number }[]) {
    let file = Buffer.alloc(0);
    let checkpoint = START;
    for (const cut of [...cuts, { at: Number.MAX_SAFE_INTEGER, saved: 0 }]) {
      const target = {
        position: checkpoint,
        seen: checkpoint.count,
        skip: file.length - checkpoint.bytes,
      };
      const since = checkpoint.last;
      let written = 0;
      let index = 0;
      for (const entry of log.filter(({ time }) => time >= since)) {
        const { parts, position } = selectNew(target, [entry]);
        const data = Buffer.concat(parts);
        // The agent dies within this write.
        const room = Math.max(0, cut.at - written);
        file = Buffer.concat([file, data.subarray(0, room)]);
        written += data.length;
        if (written > cut.at) break;
        target.position = position;
        index += 1;
        if (index <= cut.saved) checkpoint = position;
      }
    }
    return file.toString();
  }

  it('continues without a gap or a repetition wherever it was cut', () => {
    const entry = fc.record({ gap: fc.constantFrom(0, 0, 1, 1000), text: fc.string() });
    const cut = fc.record({ at: fc.nat(60), saved: fc.nat(10) });
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 20 }),
        fc.array(cut, { maxLength: 5 }),
        (raw, cuts) => {
          let nanos = 0;
          const log = raw.map(({ gap, text }): LogEntry => {
            nanos += gap;
            return { stream: 'stdout', time: timeOf(nanos), data: Buffer.from(text) };
          });

          expect(copyWithCuts(log, cuts)).toBe(raw.map(({ text }) => text).join(''));
        },
      ),
    );
  });

  it('takes all that is left where the engine has dropped the rest', () => {
    const target = { position: { last: timeOf(1), count: 1, bytes: 10 }, seen: 1, skip: 5 };
    const entry: LogEntry = { stream: 'stdout', time: timeOf(9), data: Buffer.from('later\n') };

    const { parts, position } = selectNew(target, [entry]);

    expect(Buffer.concat(parts).toString()).toBe('later\n');
    expect(position).toEqual({ last: timeOf(9), count: 1, bytes: 16 });
  });

  it('asks for entries since a little before the earlier stream', () => {
    const position = (last: string) => ({ last, count: 1, bytes: 0 });

    expect(sinceSeconds(undefined)).toBe(0);
    expect(sinceSeconds({ stdout: position(''), stderr: position('') })).toBe(0);
    const [stdout, stderr] = ['1970-01-01T00:01:05.5Z', '1970-01-01T00:01:00.5Z'].map(position);
    if (stdout !== undefined && stderr !== undefined) {
      expect(sinceSeconds({ stdout, stderr })).toBe(55);
    }
  });
});
