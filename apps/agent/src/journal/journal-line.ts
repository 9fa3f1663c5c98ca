import { crc32 } from 'node:zlib';
import { type JournalRecord, readJournalRecord, type TaskRecord } from '#cluster';
import { type RunKey, readRunKey } from '#core';
import type { TaskInfo, TaskStatus } from '#mesos-v1';

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
  if (record?.kind === 'accepted') {
    return isDefinition(record) ? { ...record, task: withoutDamage(record.task) } : undefined;
  }
  if (record?.kind !== 'snapshot' || !isDefinition(record.record)) return undefined;
  return { ...record, record: salvageSnapshot(record.record) };
}

/** What is not what it should be is left out. Of which group it was its other members know better. */
function salvageSnapshot(given: TaskRecord): TaskRecord {
  const { framework, task, launchId, executorRun, kill, pending, latest } = given;
  const hasPending = Array.isArray(pending) && pending.every(isStatus);
  return {
    ...{ framework, task: withoutDamage(task), isLaunching: given.isLaunching === true },
    ...(typeof launchId?.number === 'number' ? { launchId } : {}),
    ...(typeof executorRun === 'string' ? { executorRun } : {}),
    ...(typeof kill?.graceMs === 'number' ? { kill } : {}),
    pending: hasPending ? pending : [],
    ...(latest !== undefined && isStatus(latest) ? { latest } : {}),
  };
}

const isStatus = (given: TaskStatus | null): boolean =>
  typeof given?.state === 'string' && typeof given.task_id?.value === 'string';

/** An executor whose id is not there any more is none. */
function withoutDamage({ executor, ...task }: TaskInfo): TaskInfo {
  const id: unknown = (executor as { readonly executor_id?: { readonly value?: unknown } | null })
    ?.executor_id?.value;
  return typeof id === 'string' && executor !== undefined ? { ...task, executor } : task;
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

/** The damage may be anywhere: of what is missing nothing is certain. */
function isDefinition(read: unknown): boolean {
  const given = read as
    | {
        readonly task?: { readonly task_id?: { readonly value?: unknown } | null } | null;
        readonly framework?: unknown;
      }
    | null
    | undefined;
  return typeof given?.task?.task_id?.value === 'string' && typeof given.framework === 'object';
}

const checksum = (body: string): string => crc32(body).toString(16).padStart(CHECKSUM_DIGITS, '0');

function decodeRun(id: string): RunKey | undefined {
  try {
    return id === '' ? undefined : readRunKey(decodeURIComponent(id));
  } catch {
    return undefined;
  }
}
