import { Tabs } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { Link, useParams, useSearchParams } from 'react-router';
import { ApiError } from '../api/api-error.js';
import type { App } from '../api/api-types.js';
import { useApp, useQueue } from '../api/queries.js';
import { type QueuePlace, queuePlace } from '../apps/queue-place.js';
import { Breadcrumbs } from '../shell/breadcrumbs.js';
import { EmptyPanel, ErrorPanel, LoadingRows } from '../shell/states.js';
import { AppHeader } from './app-header.js';
import { AppNotices } from './app-notices.js';
import { ConfigurationTab } from './configuration-tab.js';
import { DebugTab } from './debug-tab.js';
import { InstancesTab } from './instances-tab.js';

const LogsTab = lazy(async () => {
  const { LogsTab: component } = await import('../logs/logs-tab.js');
  return { default: component };
});

const TABS = ['instances', 'logs', 'configuration', 'debug'] as const;

export function AppPage() {
  const { '*': rest = '' } = useParams();
  const id = `/${rest.replace(/\/+$/, '')}`;
  const app = useApp(id);
  const queue = useQueue();
  const isGone = app.error instanceof ApiError && app.error.status === 404;

  return (
    <div className="pc-page">
      <title>{`${id} · Pacer`}</title>
      <Breadcrumbs id={id} isApp />
      {isGone ? (
        <EmptyPanel icon="app" title={`${id} does not exist`} text="It may have been destroyed.">
          <Link to="/apps">All applications</Link>
        </EmptyPanel>
      ) : app.data ? (
        <AppContent
          app={app.data}
          place={queuePlace(queue, id)}
          readAtMs={Math.max(app.dataUpdatedAt, queue.dataUpdatedAt)}
        />
      ) : app.error ? (
        <ErrorPanel title={`${id} cannot be shown`} error={app.error} />
      ) : (
        <LoadingRows label={`Loading ${id}`} />
      )}
    </div>
  );
}

interface AppContentProps {
  readonly app: App;
  readonly place: QueuePlace;
  readonly readAtMs: number;
}

function AppContent({ app, place, readAtMs }: AppContentProps) {
  const [params, setParams] = useSearchParams();
  const entry = place.kind === 'waits' ? place.entry : undefined;
  const tab = TABS.find((t) => t === params.get('tab')) ?? 'instances';
  const showTab = (next: string | null) => setParams(next ? { tab: next } : {}, { replace: true });
  return (
    <>
      <AppHeader app={app} entry={entry} readAtMs={readAtMs} />
      <AppNotices app={app} place={place} />
      <Tabs value={tab} onChange={showTab} keepMounted={false} className="pc-tabs">
        <Tabs.List>
          <Tabs.Tab value="instances">Instances</Tabs.Tab>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="configuration">Configuration</Tabs.Tab>
          <Tabs.Tab value="debug">Debug</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="instances">
          <InstancesTab app={app} />
        </Tabs.Panel>
        <Tabs.Panel value="logs">
          <Suspense fallback={<LoadingRows label="Loading the log" />}>
            <LogsTab app={app} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="configuration">
          <ConfigurationTab app={app} />
        </Tabs.Panel>
        <Tabs.Panel value="debug">
          <DebugTab app={app} place={place} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
