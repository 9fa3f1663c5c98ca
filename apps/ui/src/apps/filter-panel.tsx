import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { APP_STATUSES, HEALTH_LEVELS } from './app-status.js';
import type { AppRow } from './app-tree.js';
import { isFiltering, labelText } from './app-tree.js';
import type { ListAddress } from './list-address.js';

/** The most frequent labels are offered; the search finds the others. */
const MAX_LABELS = 12;

interface FilterPanelProps {
  readonly apps: readonly AppRow[];
  readonly address: ListAddress;
  /** Only matters on narrow screens, where the panel folds away. */
  readonly isOpen: boolean;
}

export function FilterPanel({ apps, address, isOpen }: FilterPanelProps) {
  const statuses = useMemo(() => countBy(apps, (app) => [app.status]), [apps]);
  const healths = useMemo(() => countBy(apps, (app) => [app.health]), [apps]);
  const labels = useMemo(
    () => countBy(apps, (app) => Object.entries(app.labels).map(([k, v]) => labelText(k, v))),
    [apps],
  );
  const frequent = [...labels].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const chosen = address.filter.labels.filter((l) => !labels.has(l)).map((l) => [l, 0] as const);
  const { filter, setList } = address;
  return (
    <aside className="pc-filters" aria-label="Filters" data-open={isOpen}>
      <FilterGroup
        title="Status"
        options={APP_STATUSES.map((s) => [s, statuses.get(s) ?? 0] as const)}
        chosen={filter.statuses}
        onChange={(values) => setList('status', values)}
      />
      <FilterGroup
        title="Health"
        options={HEALTH_LEVELS.map((h) => [h, healths.get(h) ?? 0] as const)}
        chosen={filter.healths}
        onChange={(values) => setList('health', values)}
      />
      {(frequent.length > 0 || chosen.length > 0) && (
        <FilterGroup
          title="Label"
          options={[...chosen, ...frequent.slice(0, MAX_LABELS)]}
          chosen={filter.labels}
          onChange={(values) => setList('label', values)}
        />
      )}
      {isFiltering(filter) && (
        <Button variant="subtle" size="compact-xs" onClick={address.clear}>
          Clear all filters
        </Button>
      )}
    </aside>
  );
}

interface FilterGroupProps {
  readonly title: string;
  readonly options: readonly (readonly [string, number])[];
  readonly chosen: readonly string[];
  readonly onChange: (values: readonly string[]) => void;
}

function FilterGroup({ title, options, chosen, onChange }: FilterGroupProps) {
  const toggle = (value: string) =>
    onChange(chosen.includes(value) ? chosen.filter((v) => v !== value) : [...chosen, value]);
  return (
    <fieldset className="pc-filter-group">
      <legend>{title}</legend>
      {options.map(([value, count]) => (
        <label key={value} className="pc-filter" data-empty={count === 0}>
          <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
          <span className="pc-cut" title={value}>
            {value}
          </span>
          <span className="pc-filter-count" aria-hidden="true">
            {count}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function countBy<K extends string>(
  apps: readonly AppRow[],
  keysOf: (app: AppRow) => readonly K[],
): ReadonlyMap<K, number> {
  const counts = new Map<K, number>();
  for (const app of apps) {
    for (const key of keysOf(app)) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}
