import { Button, Pagination } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useParams } from 'react-router';
import { MayChange } from '../api/access.js';
import { plural } from '../format/quantities.js';
import { Breadcrumbs } from '../shell/breadcrumbs.js';
import { useModal } from '../shell/modal-address.js';
import { EmptyPanel, ErrorPanel, LoadingRows } from '../shell/states.js';
import type { AppRow, ListRow } from './app-tree.js';
import { groupChildren, isFiltering, isUnder, matchesFilter, sortRows } from './app-tree.js';
import { AppsTable } from './apps-table.js';
import { FilterPanel } from './filter-panel.js';
import { GroupActions } from './group-actions.js';
import { HealthLegend } from './health-bar.js';
import { type ListAddress, useListAddress } from './list-address.js';
import { SearchBox } from './search-box.js';
import { useAppRows } from './use-app-rows.js';

/** Rows drawn at once; more are a page away, so a list of thousands stays quick. */
const PAGE_ROWS = 100;
const PAGE_CONTROLS = { first: 'First', previous: 'Previous', next: 'Next', last: 'Last' } as const;

export function AppsPage() {
  const { '*': rest } = useParams();
  const group = rest ? `/${rest.replace(/\/+$/, '')}` : '/';
  const { rows: all, isLoading, error } = useAppRows();
  const address = useListAddress();
  const [isFilterOpen, setFilterOpen] = useState(false);

  const members = useMemo(() => all.filter((app) => isUnder(app.id, group)), [all, group]);
  const shown = useMemo<readonly ListRow[]>(() => {
    const rows = isFiltering(address.filter)
      ? members.filter((app) => matchesFilter(app, address.filter))
      : groupChildren(members, group);
    return sortRows(rows, address.order);
  }, [members, group, address.filter, address.order]);

  return (
    <div className="pc-apps">
      <title>{group === '/' ? 'Applications · Pacer' : `${group} · Pacer`}</title>
      <FilterPanel apps={members} address={address} isOpen={isFilterOpen} />
      <section className="pc-apps-main" aria-label="Applications">
        <div className="pc-toolbar">
          <Breadcrumbs id={group} isApp={false} />
          <div className="pc-toolbar-right">
            <SearchBox value={address.filter.search} onChange={address.setSearch} />
            <Button
              className="pc-only-narrow"
              variant="default"
              aria-expanded={isFilterOpen}
              onClick={() => setFilterOpen(!isFilterOpen)}
            >
              Filters
            </Button>
            {group !== '/' && (
              <MayChange>
                <GroupActions group={group} members={members} />
              </MayChange>
            )}
          </div>
        </div>
        {error ? (
          <ErrorPanel title="The applications cannot be shown" error={error} />
        ) : isLoading ? (
          <LoadingRows label="Loading applications" />
        ) : (
          <AppList group={group} members={members} shown={shown} address={address} />
        )}
      </section>
    </div>
  );
}

interface AppListProps {
  readonly group: string;
  readonly members: readonly AppRow[];
  readonly shown: readonly ListRow[];
  readonly address: ListAddress;
}

function AppList({ group, members, shown, address }: AppListProps) {
  const modal = useModal();
  if (members.length === 0) {
    return (
      <EmptyPanel
        icon="app"
        title={group === '/' ? 'No applications yet' : `No applications in ${group}`}
        text="An application is a command or an image that Pacer keeps running as often as you say."
      >
        <Button onClick={() => modal.open('create')}>Create your first application</Button>
      </EmptyPanel>
    );
  }
  if (shown.length === 0) {
    return (
      <EmptyPanel
        icon="search"
        title="No application matches"
        text={`None of ${plural(members.length, 'application')} matches the search and the filters.`}
      >
        <Button variant="default" onClick={address.clear}>
          Clear search and filters
        </Button>
      </EmptyPanel>
    );
  }
  const pages = Math.ceil(shown.length / PAGE_ROWS);
  const page = Math.min(address.page, pages);
  const isFlat = isFiltering(address.filter);
  return (
    <>
      <AppsTable
        rows={shown.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS)}
        order={address.order}
        onSort={address.sortBy}
        base={isFlat ? undefined : group}
      />
      <div className="pc-table-foot">
        <span aria-live="polite">
          {isFlat
            ? `${shown.length} of ${plural(members.length, 'application')}`
            : plural(members.length, 'application')}
        </span>
        <HealthLegend />
        {pages > 1 && (
          <Pagination
            size="sm"
            total={pages}
            value={page}
            onChange={address.setPage}
            aria-label="Pages of applications"
            getItemProps={(number) => ({ 'aria-label': `Page ${number}` })}
            getControlProps={(control) => ({ 'aria-label': `${PAGE_CONTROLS[control]} page` })}
          />
        )}
      </div>
    </>
  );
}
