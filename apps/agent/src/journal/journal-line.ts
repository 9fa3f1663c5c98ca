import { crc32 } from 'node:zlib';
import type { JournalRecord } from '#cluster';

/** One line read back. `task` is what could still be read of the task id, if anything. */
export type JournalLine =
  | { readonly kind: 'record'; readonly record: JournalRecord }
  | { readonly kind: 'damaged'; readonly task?: string; readonly reason: string };

const SEPARATOR = ' ';
const CHECKSUM_DIGITS = 8;

/** `<crc32> <task id> <JSON>\n`: lines are found again after a damaged one, and the damage is that of one task. */
export function writeLine(record: JournalRecord): string {
  const body = `${encodeURIComponent(record.taskId)}${SEPARATOR}${JSON.stringify(record)}`;
  return `${checksum(body)}${SEPARATOR}${body}\n`;
}

/** Reads one line, without its line feed. */
export function readLine(line: string): JournalLine {
  const body = line.slice(CHECKSUM_DIGITS + 1);
  const [id = ''] = body.split(SEPARATOR, 1);
  const task = decodeId(id);
  const about = task === undefined ? {} : { task };
  const isWhole = line[CHECKSUM_DIGITS] === SEPARATOR && line.startsWith(checksum(body));
  if (!isWhole) return { kind: 'damaged', ...about, reason: 'its checksum does not match' };
  try {
    return { kind: 'record', record: JSON.parse(body.slice(id.length + 1)) as JournalRecord };
  } catch (error) {
    return { kind: 'damaged', ...about, reason: String(error) };
  }
}

const checksum = (body: string): string => crc32(body).toString(16).padStart(CHECKSUM_DIGITS, '0');

function decodeId(id: string): string | undefined {
  try {
    return id === '' ? undefined : decodeURIComponent(id);
  } catch {
    return undefined;
  }
}
