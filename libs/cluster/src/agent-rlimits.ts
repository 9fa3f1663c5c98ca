/** Mesos' `ContainerInfo.rlimit_info`: which limits a task's processes get, or what is wrong with them. */
import { RLIMIT_NAMES, type Rlimit } from '#core';
import type { TaskInfo } from '#mesos-v1';

export type ReadRlimits =
  | { readonly kind: 'read'; readonly rlimits: readonly Rlimit[] }
  /** Naming the field, the value and what it may be. */
  | { readonly kind: 'defect'; readonly message: string };

const PREFIX = 'RLMT_';
const FIELD = 'container.rlimit_info.rlimits';

/** Without `soft` and `hard` a limit is lifted. None of them is given twice. O(number of limits), which are few. */
export function readRlimits({ container }: Pick<TaskInfo, 'container'>): ReadRlimits {
  const info = container?.rlimit_info;
  if (info === undefined || info === null) return { kind: 'read', rlimits: [] };
  const entries = isRecord(info) ? (info['rlimits'] ?? []) : undefined;
  if (!Array.isArray(entries)) return { kind: 'defect', message: `${FIELD} is not a list` };
  const rlimits: Rlimit[] = [];
  for (const [index, entry] of entries.entries()) {
    const read = readRlimit(entry, `${FIELD}[${index}]`);
    if (typeof read === 'string') return { kind: 'defect', message: read };
    const isGiven = rlimits.some(({ name }) => name === read.name);
    const type = `${FIELD}[${index}].type ${PREFIX}${read.name.toUpperCase()}`;
    if (isGiven) return { kind: 'defect', message: `${type} is given twice` };
    if (read.name === 'as' && container?.docker?.image) {
      return { kind: 'defect', message: `${type} is not possible in a Docker container` };
    }
    rlimits.push(read);
  }
  return { kind: 'read', rlimits };
}

function readRlimit(entry: unknown, field: string): Rlimit | string {
  if (!isRecord(entry)) return `${field} is not an object`;
  const type = entry['type'];
  const name = RLIMIT_NAMES.find((one) => `${PREFIX}${one.toUpperCase()}` === type);
  if (name === undefined) {
    const known = RLIMIT_NAMES.map((one) => PREFIX + one.toUpperCase()).join(', ');
    return `${field}.type ${JSON.stringify(type)} is none of ${known}`;
  }
  const [soft, hard] = [entry['soft'] ?? undefined, entry['hard'] ?? undefined];
  if ((soft === undefined) !== (hard === undefined)) {
    const missing = soft === undefined ? 'soft' : 'hard';
    return `${field}.${missing} is missing: soft and hard are given together or not at all`;
  }
  if (soft === undefined) return { name, soft: 'unlimited', hard: 'unlimited' };
  const amounts = { soft: readAmount(soft), hard: readAmount(hard) };
  for (const side of ['soft', 'hard'] as const) {
    if (amounts[side] === undefined) {
      const given = JSON.stringify(entry[side]);
      return `${field}.${side} ${given} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
    }
  }
  const read = { name, soft: amounts.soft ?? 0, hard: amounts.hard ?? 0 };
  if (read.soft > read.hard) {
    return `${field}.soft ${read.soft} is above its hard limit ${read.hard}`;
  }
  return read;
}

/** JSON made from protobuf writes 64-bit numbers as text. */
function readAmount(value: unknown): number | undefined {
  const amount = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(amount) && (amount as number) >= 0 ? (amount as number) : undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
