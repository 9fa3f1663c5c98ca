/** The engine's log of a container with a terminal, which knows one stream and no frames. */
import type { LogEntry, LogParser } from './docker-log-frames.js';

/** RFC 3339 with nine digits in UTC, and a space. */
const HEADER = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z $/;
const HEADER_BYTES = 31;
const NEWLINE = 0x0a;
/** A longer line is cut into entries of this size, and only the last of them ends it. */
const PART_BYTES = 16 * 1024;
/** What the engine never makes of a line; then it is another format. */
const MAX_ENTRY_BYTES = 1024 * 1024;

/** Throws on what does not begin with a time. */
export function createTerminalParser(): LogParser {
  let rest: Buffer = Buffer.alloc(0);
  return {
    parse(chunk) {
      let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const entries: LogEntry[] = [];
      for (let end = endOf(data); end !== undefined; end = endOf(data)) {
        entries.push(toEntry(data.subarray(0, end)));
        data = data.subarray(end);
      }
      if (data.length > MAX_ENTRY_BYTES) {
        throw new Error(`a line of ${data.length} bytes, the limit is ${MAX_ENTRY_BYTES}`);
      }
      rest = data;
      return entries;
    },
    end() {
      const last = rest.length > HEADER_BYTES ? [toEntry(rest)] : [];
      rest = Buffer.alloc(0);
      return last;
    },
  };
}

/** Where the first entry ends; undefined while that cannot be told. */
function endOf(data: Buffer): number | undefined {
  const cut = HEADER_BYTES + PART_BYTES;
  const newline = data.indexOf(NEWLINE, HEADER_BYTES);
  if (newline >= 0 && newline < cut) return newline + 1;
  const isCut = data.length >= cut + HEADER_BYTES && HEADER.test(headerAt(data, cut));
  if (isCut) return cut;
  // What follows may be the next header, of which too little is there.
  return newline >= 0 && data.length >= cut + HEADER_BYTES ? newline + 1 : undefined;
}

const headerAt = (data: Buffer, at: number): string =>
  data.toString('latin1', at, at + HEADER_BYTES);

function toEntry(entry: Buffer): LogEntry {
  const header = headerAt(entry, 0);
  if (!HEADER.test(header)) throw new Error('log entry without a time');
  return {
    stream: 'stdout',
    time: header.slice(0, -1),
    data: entry.subarray(HEADER_BYTES),
  };
}
