import { crc32 } from 'node:zlib';
import { type JournalRecord, readJournalRecord } from '#cluster';
import { type RunKey, readRunKey } from '#core';

/** One line read back. `run` is what could still be read of the key, if anything. */
export type JournalLine =
  | { readonly kind: 'record'; readonly record: JournalRecord }
  | { readonly kind: 'damaged'; readonly run?: RunKey; readonly reason: string };

const SEPARATOR = ' ';
const CHECKSUM_DIGITS = 8;

/** `<crc32> <run> <JSON>\n`: lines are found again after a damaged one, and the damage is that of one run. */
export function writeLine(record: JournalRecord): string {
  const body = `${encodeURIComponent(record.run)}${SEPARATOR}${JSON.stringify(record)}`;
  return `${checksum(body)}${SEPARATOR}${body}\n`;
}

/** Reads one line, without its line feed. In those of earlier versions the task's id stands in the key's place. */
export function readLine(line: string): JournalLine {
  const body = line.slice(CHECKSUM_DIGITS + 1);
  const [id = ''] = body.split(SEPARATOR, 1);
  const run = decodeRun(id);
  const about = run === undefined ? {} : { run };
  const isWhole = line[CHECKSUM_DIGITS] === SEPARATOR && line.startsWith(checksum(body));
  if (!isWhole) return { kind: 'damaged', ...about, reason: 'its checksum does not match' };
  try {
    return {
      kind: 'record',
      record: readJournalRecord(JSON.parse(body.slice(id.length + 1)) as object),
    };
  } catch (error) {
    return { kind: 'damaged', ...about, reason: String(error) };
  }
}

const checksum = (body: string): string => crc32(body).toString(16).padStart(CHECKSUM_DIGITS, '0');

function decodeRun(id: string): RunKey | undefined {
  try {
    return id === '' ? undefined : readRunKey(decodeURIComponent(id));
  } catch {
    return undefined;
  }
}
