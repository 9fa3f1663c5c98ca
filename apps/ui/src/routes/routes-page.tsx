import { Button } from '@mantine/core';
import { useCallback } from 'react';
import { useSearchParams } from 'react-router';
import { MAX_SHOWN_ROUTES, useRoutes } from '../api/queries.js';
import type { Routes } from '../api/route-types.js';
import { SearchBox } from '../apps/search-box.js';
import { plural } from '../format/quantities.js';
import { EmptyPanel, ErrorPanel, LoadingRows } from '../shell/states.js';
import { CertificatesPanel } from './certificates-panel.js';
import { RouteProblems } from './route-problems.js';
import { RouterList } from './router-list.js';
import { RoutesTable } from './routes-table.js';

/** What the edge serves, live: hosts, paths and ports, the instances behind them, and the routers that serve them. */
export function RoutesPage() {
  const [params, setParams] = useSearchParams();
  const search = params.get('search') ?? '';
  const setSearch = useCallback(
    (next: string) => setParams(next === '' ? {} : { search: next }, { replace: true }),
    [setParams],
  );
  const routes = useRoutes(search);
  return (
    <div className="pc-page">
      <title>Routes · Pacer</title>
      <div className="pc-toolbar">
        <h1>Routes</h1>
        <div className="pc-toolbar-right">
          <SearchBox
            value={search}
            onChange={setSearch}
            label="Search routes"
            placeholder="Search by app, host or port"
          />
        </div>
      </div>
      {routes.data ? (
        <RoutesContent routes={routes.data} search={search} onClear={() => setSearch('')} />
      ) : routes.error ? (
        <ErrorPanel title="The routes cannot be shown" error={routes.error} />
      ) : (
        <LoadingRows label="Loading routes" />
      )}
      <CertificatesPanel />
    </div>
  );
}

function RoutesContent(props: {
  readonly routes: Routes;
  readonly search: string;
  readonly onClear: () => void;
}) {
  const { routes, search, onClear } = props;
  const { total, problems, omittedProblems = 0 } = routes;
  return (
    <>
      <RouteProblems problems={problems} omitted={omittedProblems} />
      <RouterList routers={routes.routers} />
      {total > 0 ? (
        <>
          <RoutesTable routes={routes.routes} />
          <div className="pc-table-foot">
            <span aria-live="polite">
              {total > MAX_SHOWN_ROUTES
                ? `The first ${MAX_SHOWN_ROUTES} of ${plural(total, 'route')}; search for the others`
                : plural(total, 'route')}
            </span>
          </div>
        </>
      ) : search === '' ? (
        <EmptyPanel
          icon="rollout"
          title="No routes yet"
          text="An application with a port and a label such as HAPROXY_0_VHOST is served by the routers, and shown here."
        />
      ) : (
        <EmptyPanel
          icon="search"
          title="No route matches"
          text={`Nothing is found by “${search}”.`}
        >
          <Button variant="default" onClick={onClear}>
            Clear search
          </Button>
        </EmptyPanel>
      )}
    </>
  );
}
