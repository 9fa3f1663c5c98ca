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
  const body = bodyOf(record.run, JSON.stringify(record));
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

/** The record of a line that is whole once one of the two places that name its run is taken for the other. */
export function repairLine(line: string): JournalRecord | undefined {
  const json = jsonOf(line);
  const record = parseRecord(json);
  if (record === undefined) return undefined;
  if (line.startsWith(checksum(bodyOf(record.run, json)))) return record;
  const prefix = decodeRun(line.slice(CHECKSUM_DIGITS + 1).split(SEPARATOR, 1)[0] ?? '');
  if (prefix === undefined) return undefined;
  const repaired = json.replace(JSON.stringify(record.run), () => JSON.stringify(prefix));
  const isWhole = line.startsWith(checksum(bodyOf(prefix, repaired)));
  return isWhole ? parseRecord(repaired) : undefined;
}

/** The definition of a task in a damaged line that can be parsed still: enough to report that the task is lost. */
export function salvageRecord(line: string): JournalRecord | undefined {
  const record = parseRecord(jsonOf(line));
  if (record?.kind === 'accepted') return isDefinition(record) ? record : undefined;
  if (record?.kind === 'snapshot') return isDefinition(record.record) ? record : undefined;
  return undefined;
}

function parseRecord(json: string): JournalRecord | undefined {
  try {
    return readJournalRecord(JSON.parse(json) as object);
  } catch {
    return undefined;
  }
}

const jsonOf = (line: string): string => line.slice(Math.max(0, line.indexOf('{')));

const bodyOf = (run: RunKey, json: string): string =>
  `${encodeURIComponent(run)}${SEPARATOR}${json}`;

function isDefinition(read: object): boolean {
  const { task, framework } = read as {
    readonly task?: { readonly task_id?: { readonly value?: unknown } };
    readonly framework?: unknown;
  };
  return typeof task?.task_id?.value === 'string' && typeof framework === 'object';
}

const checksum = (body: string): string => crc32(body).toString(16).padStart(CHECKSUM_DIGITS, '0');

function decodeRun(id: string): RunKey | undefined {
  try {
    return id === '' ? undefined : readRunKey(decodeURIComponent(id));
  } catch {
    return undefined;
  }
}
