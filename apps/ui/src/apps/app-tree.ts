import type { AppStatus, HealthCounts, HealthLevel } from './app-status.js';
import { addHealthCounts, NO_INSTANCES } from './app-status.js';

/** An app with what the list shows of it, worked out once per change of the data. */
export interface AppRow {
  readonly kind: 'app';
  readonly id: string;
  readonly cpus: number;
  readonly mem: number;
  readonly status: AppStatus;
  /** `daemon` or `job`; undefined for a service. */
  readonly workload?: string | undefined;
  readonly health: HealthLevel;
  readonly counts: HealthCounts;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string | undefined;
  /** Why it waits, in words; empty when it does not. */
  readonly reasons: readonly string[];
}

export interface GroupRow {
  readonly kind: 'group';
  readonly id: string;
  readonly appCount: number;
  readonly cpus: number;
  readonly mem: number;
  readonly counts: HealthCounts;
  /** How many of its apps have each status. */
  readonly statuses: ReadonlyMap<AppStatus, number>;
}

export type ListRow = AppRow | GroupRow;

export interface AppFilter {
  readonly search: string;
  readonly statuses: readonly AppStatus[];
  readonly healths: readonly HealthLevel[];
  /** `key` or `key:value`. */
  readonly labels: readonly string[];
}

export interface SortOrder {
  readonly column: 'name' | 'cpus' | 'mem' | 'status' | 'instances' | 'health';
  readonly descending: boolean;
}

export function isFiltering(filter: AppFilter): boolean {
  return (
    filter.search !== '' ||
    filter.statuses.length > 0 ||
    filter.healths.length > 0 ||
    filter.labels.length > 0
  );
}

/** Whether an app is in a group, at any depth. `/` holds everything. */
export function isUnder(id: string, group: string): boolean {
  return group === '/' || id.startsWith(`${group}/`);
}

/** The direct children of a group: its apps, and its subgroups with the sums of everything below. O(apps). */
export function groupChildren(apps: readonly AppRow[], group: string): ListRow[] {
  const prefix = group === '/' ? '/' : `${group}/`;
  const direct: ListRow[] = [];
  const below = new Map<string, AppRow[]>();
  for (const app of apps) {
    if (!isUnder(app.id, group)) {
      continue;
    }
    const slash = app.id.indexOf('/', prefix.length);
    if (slash < 0) {
      direct.push(app);
      continue;
    }
    const child = app.id.slice(0, slash);
    const list = below.get(child);
    if (list) {
      list.push(app);
    } else {
      below.set(child, [app]);
    }
  }
  return [...[...below].map(([id, members]) => summarizeGroup(id, members)), ...direct];
}

export function summarizeGroup(id: string, members: readonly AppRow[]): GroupRow {
  const statuses = new Map<AppStatus, number>();
  let counts = NO_INSTANCES;
  let cpus = 0;
  let mem = 0;
  for (const app of members) {
    statuses.set(app.status, (statuses.get(app.status) ?? 0) + 1);
    counts = addHealthCounts(counts, app.counts);
    cpus += app.cpus * app.counts.wanted;
    mem += app.mem * app.counts.wanted;
  }
  return { kind: 'group', id, appCount: members.length, cpus, mem, counts, statuses };
}

/** Search words are ANDed; each may match the id, the image or a `key:value` label. */
export function matchesFilter(app: AppRow, filter: AppFilter): boolean {
  if (filter.statuses.length > 0 && !filter.statuses.includes(app.status)) {
    return false;
  }
  if (filter.healths.length > 0 && !filter.healths.includes(app.health)) {
    return false;
  }
  const labels = Object.entries(app.labels).map(([key, value]) => labelText(key, value));
  if (filter.labels.length > 0 && !filter.labels.some((wanted) => hasLabel(labels, wanted))) {
    return false;
  }
  const words = filter.search.toLowerCase().split(/\s+/);
  const texts = [app.id, app.image ?? '', ...labels].map((text) => text.toLowerCase());
  return words.every((word) => texts.some((text) => text.includes(word)));
}

/** Groups come first when sorting by name; equal rows stay in the order of their ids, so runs repeat. */
export function sortRows(rows: readonly ListRow[], order: SortOrder): ListRow[] {
  const direction = order.descending ? -1 : 1;
  return [...rows].sort((a, b) => direction * compareBy(a, b, order.column) || compareIds(a, b));
}

/** `/shop/eu/web` -> `/`, `/shop`, `/shop/eu`, `/shop/eu/web`. */
export function idTrail(id: string): string[] {
  const segments = id.split('/').filter((s) => s !== '');
  return ['/', ...segments.map((_, i) => `/${segments.slice(0, i + 1).join('/')}`)];
}

export function lastSegment(id: string): string {
  return id === '/' ? '/' : id.slice(id.lastIndexOf('/') + 1);
}

export function parentOf(id: string): string {
  const slash = id.lastIndexOf('/');
  return slash <= 0 ? '/' : id.slice(0, slash);
}

export function labelText(key: string, value: string): string {
  return value === '' ? key : `${key}:${value}`;
}

function hasLabel(labels: readonly string[], wanted: string): boolean {
  return labels.some((label) => label === wanted || label.startsWith(`${wanted}:`));
}

function compareBy(a: ListRow, b: ListRow, column: SortOrder['column']): number {
  switch (column) {
    case 'name':
      return a.kind === b.kind ? compareIds(a, b) : a.kind === 'group' ? -1 : 1;
    case 'cpus':
      return totalOf(a, 'cpus') - totalOf(b, 'cpus');
    case 'mem':
      return totalOf(a, 'mem') - totalOf(b, 'mem');
    case 'status':
      return statusRank(a) - statusRank(b);
    case 'instances':
      return a.counts.wanted - b.counts.wanted;
    case 'health':
      return healthScore(a) - healthScore(b);
    default:
      return column satisfies never;
  }
}

function compareIds(a: ListRow, b: ListRow): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function totalOf(row: ListRow, resource: 'cpus' | 'mem'): number {
  return row.kind === 'group' ? row[resource] : row[resource] * row.counts.wanted;
}

/** Trouble first. */
const STATUS_RANK: Readonly<Record<AppStatus, number>> = {
  Failed: 0,
  Delayed: 1,
  Waiting: 2,
  Deploying: 3,
  Running: 4,
  Completed: 5,
  Suspended: 6,
};

function statusRank(row: ListRow): number {
  if (row.kind === 'app') {
    return STATUS_RANK[row.status];
  }
  return Math.min(...[...row.statuses.keys()].map((status) => STATUS_RANK[status]));
}

/** Lower is worse: unhealthy, then missing, then unknown, then healthy. */
function healthScore({ counts }: ListRow): number {
  const total = Math.max(1, counts.wanted, counts.healthy + counts.unhealthy + counts.unknown);
  return (counts.healthy + 0.5 * counts.unknown - counts.unhealthy) / total;
}
