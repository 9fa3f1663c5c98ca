/**
 * The engine's log as entries: in frames, or, of a container with a terminal, one after the other, each a line or 16 KiB of a
 * longer one.
 */
import { createFrameParser, type LogParser } from './docker-log-frames.js';
import { createTerminalParser } from './docker-terminal-log.js';

/** Frames begin with the number of a stream, entries of a terminal with a year. */
const LAST_STREAM = 2;

export function createLogParser(): LogParser {
  let parser: LogParser | undefined;
  return {
    parse(chunk) {
      const [first] = chunk;
      if (first === undefined) return [];
      parser ??= first > LAST_STREAM ? createTerminalParser() : framed();
      return parser.parse(chunk);
    },
    end: () => parser?.end() ?? [],
  };
}

const framed = (): LogParser => ({ parse: createFrameParser(), end: () => [] });
