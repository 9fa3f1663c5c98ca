/** The engine's log stream: frames of an 8-byte header (stream, length) and an entry that starts with its time. */

export type StreamName = 'stdout' | 'stderr';

export interface LogEntry {
  readonly stream: StreamName;
  /** RFC 3339 with nine digits, so times compare as text. */
  readonly time: string;
  readonly data: Buffer;
}

const HEADER_BYTES = 8;
const STDERR = 2;
const SPACE = 0x20;
/** Entries are at most 16 KiB and their time; anything longer is not this format. */
const MAX_FRAME_BYTES = 1024 * 1024;
const MAX_TIME_BYTES = 40;

export interface LogParser {
  /** The entries completed by a chunk. */
  parse(chunk: Buffer): readonly LogEntry[];
  /** There is no more: what is left. Frames are complete or nothing. */
  end(): readonly LogEntry[];
}

/** Gives the entries completed by each chunk. Throws on what is not this format (a terminal's raw output). */
export function createFrameParser(): (chunk: Buffer) => readonly LogEntry[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const entries: LogEntry[] = [];
    let offset = 0;
    while (data.length - offset >= HEADER_BYTES) {
      const length = data.readUInt32BE(offset + 4);
      if (length > MAX_FRAME_BYTES) {
        throw new Error(`log frame of ${length} bytes, the limit is ${MAX_FRAME_BYTES}`);
      }
      const end = offset + HEADER_BYTES + length;
      if (data.length < end) break;
      entries.push(toEntry(data[offset] ?? 0, data.subarray(offset + HEADER_BYTES, end)));
      offset = end;
    }
    rest = data.subarray(offset);
    return entries;
  };
}

function toEntry(type: number, frame: Buffer): LogEntry {
  const space = frame.indexOf(SPACE);
  if (space < 0 || space > MAX_TIME_BYTES) throw new Error('log entry without a time');
  return {
    stream: type === STDERR ? 'stderr' : 'stdout',
    time: frame.toString('latin1', 0, space),
    data: frame.subarray(space + 1),
  };
}
