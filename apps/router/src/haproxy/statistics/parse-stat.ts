import { atOnce, linesOf } from '../../sync/thread-slices.js';

/** The kinds of rows of `show stat`, by column `type`. */
const ROW_KINDS = ['frontend', 'backend', 'server', 'listener'] as const;
export type StatRowKind = (typeof ROW_KINDS)[number];

/** What is read of each of some 130 columns. */
const COLUMNS = [
  ...['pxname', 'svname', 'type', 'status', 'mode', 'weight', 'act', 'bck', 'check_status'],
  ...['check_code', 'qcur', 'scur', 'stot', 'rate', 'req_rate', 'req_tot', 'rtime', 'ctime'],
  ...['bin', 'bout', 'ereq', 'dreq', 'econ', 'eresp', 'wretr', 'wredis'],
  ...['hrsp_2xx', 'hrsp_3xx', 'hrsp_4xx', 'hrsp_5xx'],
] as const;
export type StatColumn = (typeof COLUMNS)[number];

/** One row of `show stat`. */
export interface StatRow {
  readonly kind: StatRowKind;
  readonly proxy: string;
  readonly service: string;
  /** '' where HAProxy says nothing. */
  text(column: StatColumn): string;
  /** 0 where HAProxy says nothing. */
  number(column: StatColumn): number;
}

/**
 * Reads `show stat`: CSV whose first line names the columns. Values with commas are in quotes. O(text); of 10,000 servers
 * (4 MB) only what is wanted is cut out.
 */
export const parseStat = (csv: string): readonly StatRow[] => atOnce(statSteps(csv));

/** {@link parseStat} in steps of a row. */
export function* statSteps(csv: string): Generator<undefined, readonly StatRow[]> {
  const rows: StatRow[] = [];
  let slots: readonly number[] | undefined;
  for (const line of linesOf(csv)) {
    if (line.startsWith('# ')) slots ??= slotsOf(line);
    if (line === '' || line.startsWith('#') || slots === undefined) continue;
    const row = toRow(cut(line, slots));
    if (row !== undefined) rows.push(row);
    yield;
  }
  return rows;
}

/** Of the last header: those of many answers are the same. */
let known: { readonly header: string; readonly slots: readonly number[] } | undefined;

function slotsOf(header: string): readonly number[] {
  if (known?.header === header) return known.slots;
  const names = header.slice(2).split(',');
  const all = names.map((name) => SLOTS.get(name) ?? NO_SLOT);
  const slots = all.slice(0, all.findLastIndex((slot) => slot !== NO_SLOT) + 1);
  known = { header, slots };
  return slots;
}

const NO_SLOT = -1;
const SLOTS: ReadonlyMap<string, number> = new Map(COLUMNS.map((name, slot) => [name, slot]));

/** The wanted values of a line, each in the slot of its column. */
function cut(line: string, slots: readonly number[]): readonly string[] {
  const values = new Array<string>(COLUMNS.length).fill('');
  if (line.includes('"')) {
    for (const [index, value] of splitQuoted(line).entries()) {
      const slot = slots[index] ?? NO_SLOT;
      if (slot !== NO_SLOT) values[slot] = value;
    }
    return values;
  }
  let from = 0;
  for (const slot of slots) {
    const comma = line.indexOf(',', from);
    const to = comma < 0 ? line.length : comma;
    if (slot !== NO_SLOT && to > from) values[slot] = line.slice(from, to);
    if (comma < 0) break;
    from = comma + 1;
  }
  return values;
}

function toRow(values: readonly string[]): StatRow | undefined {
  const type = values[SLOTS.get('type') ?? NO_SLOT] ?? '';
  const kind = type === '' ? undefined : ROW_KINDS[Number(type)];
  return kind === undefined ? undefined : new CutRow(kind, values);
}

/** A class, as there are 10,000 of them at a time. */
class CutRow implements StatRow {
  constructor(
    readonly kind: StatRowKind,
    private readonly values: readonly string[],
  ) {}

  get proxy(): string {
    return this.text('pxname');
  }

  get service(): string {
    return this.text('svname');
  }

  text(column: StatColumn): string {
    return this.values[SLOTS.get(column) ?? NO_SLOT] ?? '';
  }

  number(column: StatColumn): number {
    return Number(this.text(column)) || 0;
  }
}

/** Reads `show stat`, each row with all that HAProxy says of it. */
export function parseStatRecords(csv: string): readonly Readonly<Record<string, string>>[] {
  const lines = csv.split('\n');
  const header =
    lines
      .find((line) => line.startsWith('# '))
      ?.slice(2)
      .split(',') ?? [];
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const values = splitQuoted(line);
      const said = header.map((name, index) => [name, values[index] ?? ''] as const);
      return Object.fromEntries(said.filter(([name, value]) => name !== '' && value !== ''));
    });
}

/** Quotes inside of quotes are doubled. */
function splitQuoted(line: string): readonly string[] {
  const values: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)) {
    values.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
  }
  return values;
}

/** What `show info` says of a worker. */
export interface InfoFigures {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly connections: number;
  readonly connectionRate: number;
  readonly requests: number;
}

/** Reads `show info`; undefined when it is not one. */
export function parseInfo(info: string): InfoFigures | undefined {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(info)?.[1]?.trim();
  const number = (name: string): number => Number(field(name)) || 0;
  if (field('Pid') === undefined) return undefined;
  return {
    version: field('Version') ?? '',
    pid: number('Pid'),
    uptimeSeconds: number('Uptime_sec'),
    connections: number('CurrConns'),
    connectionRate: number('ConnRate'),
    requests: number('CumReq'),
  };
}
