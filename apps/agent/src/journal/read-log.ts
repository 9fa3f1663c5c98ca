import { applyRecord, type JournalImage, type JournalRecord } from '#cluster';
import { type RunKey, readRunKey } from '#core';
import { type JournalLine, readLine, repairLine, salvageRecord } from './journal-line.js';

/** What became of a log that was read back. */
export interface LogReading {
  /** Runs whose lines were unreadable, with the reason. */
  readonly damaged: ReadonlyMap<RunKey, string>;
  /** Damage that no run could be told from: any of them may have lost a line. */
  readonly unattributed?: string;
  /** Bytes up to the end of the last whole line. */
  readonly size: number;
  /** A whole line after that, of which only the line feed was not what it should be. */
  readonly last?: JournalRecord;
}

const LINE_FEED = 0x0a;
/** Where a line may begin in the middle of another one whose line feed was damaged: checksum, key, JSON. */
const LINE_START = /[0-9a-f]{8} [^ ]+ \{"/g;
const RUN_IN_BODY = /"run":("(?:[^"\\]|\\.)*")/g;

/**
 * Applies every line to `image`. A damaged line costs the run it speaks of; where one byte hides which that is, the line
 * says it twice. An unfinished last line was never relied on. O(bytes).
 */
export function readLog(
  bytes: Buffer,
  image: JournalImage,
  warn: (message: string) => void,
): LogReading {
  const damaged = new Map<RunKey, string>();
  let unattributed: string | undefined;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(LINE_FEED, start);
    if (end < 0) break;
    for (const line of splitMerged(bytes.toString('utf8', start, end))) {
      const read = readLine(line);
      const record = read.kind === 'record' ? read.record : repairLine(line);
      if (record !== undefined) {
        applyRecord(image, record);
        continue;
      }
      const reason = `line at byte ${start}: ${(read as { readonly reason: string }).reason}`;
      const { runs, isCertain } = damagedRuns(line, read, image);
      warn(`${reason} (run ${runs.join(', ') || 'unknown'})`);
      for (const run of runs) damaged.set(run, reason);
      if (!isCertain) unattributed = reason;
    }
    start = end + 1;
  }
  const last = readLastLine(bytes.subarray(start));
  if (last !== undefined) applyRecord(image, last);
  return {
    damaged,
    size: start,
    ...(unattributed === undefined ? {} : { unattributed }),
    ...(last === undefined ? {} : { last }),
  };
}

/**
 * Whose line it was. A definition that can still be parsed makes its own run known. That is certain where the run is
 * known, or where the line says it twice and the same.
 */
function damagedRuns(
  line: string,
  read: JournalLine,
  image: JournalImage,
): { readonly runs: readonly RunKey[]; readonly isCertain: boolean } {
  const salvaged = salvageRecord(line);
  if (salvaged !== undefined) applyRecord(image, salvaged);
  const named = [...line.matchAll(RUN_IN_BODY)].flatMap(([, text = '']) => parseRun(text));
  const prefix = read.kind === 'damaged' && read.run !== undefined ? [read.run] : [];
  const candidates = [...new Set([...prefix, ...named])];
  const { tasks, completed, executors, completedExecutors } = image;
  const known = candidates.filter((run) =>
    [tasks, completed, executors, completedExecutors].some((runs) => runs.has(run)),
  );
  if (known.length > 0) return { runs: known, isCertain: true };
  const isCertain = prefix.length > 0 && prefix[0] === named[0];
  return { runs: candidates, isCertain };
}

/** Two lines whose line feed is gone are two again, if at least the later one is whole. */
function splitMerged(text: string): readonly string[] {
  if (readLine(text).kind === 'record') return [text];
  for (const { index } of text.matchAll(LINE_START)) {
    if (index === 0) continue;
    const later = text.slice(index);
    if (readLine(later).kind === 'record') return [text.slice(0, index - 1), later];
  }
  return [text];
}

/** A write that was cut off ends within its line; one byte more stands for a line feed that was there. */
function readLastLine(bytes: Buffer): JournalRecord | undefined {
  if (bytes.length < 2) return undefined;
  const read = readLine(bytes.toString('utf8', 0, bytes.length - 1));
  return read.kind === 'record' ? read.record : undefined;
}

function parseRun(text: string): readonly RunKey[] {
  try {
    return [readRunKey(JSON.parse(text) as string)];
  } catch {
    return [];
  }
}
