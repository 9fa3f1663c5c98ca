/** The kinds of rows of `show stat`, by column `type`. */
const ROW_KINDS = ['frontend', 'backend', 'server', 'listener'] as const;
export type StatRowKind = (typeof ROW_KINDS)[number];

/** One row of `show stat`: proxy, service and the asked columns, by their names in the header. */
export interface StatRow {
  readonly kind: StatRowKind;
  readonly proxy: string;
  readonly service: string;
  /** '' where HAProxy says nothing. */
  text(column: string): string;
  /** 0 where HAProxy says nothing. */
  number(column: string): number;
}

/** Reads `show stat`: CSV whose first line names the columns. Values with commas are in quotes. O(text). */
export function parseStat(csv: string): readonly StatRow[] {
  const lines = csv.split('\n');
  const header = lines.find((line) => line.startsWith('# '));
  if (header === undefined) return [];
  const columns = new Map(
    header
      .slice(2)
      .split(',')
      .map((name, index) => [name, index]),
  );
  const rows: StatRow[] = [];
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue;
    const row = toRow(line, columns);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

function toRow(line: string, columns: ReadonlyMap<string, number>): StatRow | undefined {
  const values = line.includes('"') ? splitQuoted(line) : line.split(',');
  const text = (column: string): string => values[columns.get(column) ?? -1] ?? '';
  const kind = ROW_KINDS[Number(text('type'))];
  if (kind === undefined || text('type') === '') return undefined;
  return {
    kind,
    proxy: text('pxname'),
    service: text('svname'),
    text,
    number: (column) => Number(text(column)) || 0,
  };
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
