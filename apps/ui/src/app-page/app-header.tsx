import { Button } from '@mantine/core';
import { Link } from 'react-router';
import { MayChange } from '../api/access.js';
import type { App, QueueEntry } from '../api/api-types.js';
import { ScalePopover } from '../app-actions/scale-popover.js';
import { appStatus, healthCounts, healthSentence } from '../apps/app-status.js';
import { lastSegment } from '../apps/app-tree.js';
import { HealthBar } from '../apps/health-bar.js';
import { StatusBadge } from '../apps/status-badge.js';
import { formatCpus, formatMem } from '../format/quantities.js';
import { Icon } from '../shell/icons.js';
import { useModal } from '../shell/modal-address.js';

interface AppHeaderProps {
  readonly app: App;
  readonly entry: QueueEntry | undefined;
  readonly readAtMs: number;
}

export function AppHeader({ app, entry, readAtMs }: AppHeaderProps) {
  const counts = healthCounts(app);
  const running = app.tasksRunning ?? 0;
  return (
    <header className="pc-app-head">
      <div className="pc-app-title">
        <h1>{lastSegment(app.id)}</h1>
        <StatusBadge status={appStatus(app, entry, readAtMs)} />
        {app.workload !== undefined && <span className="pc-chip">{app.workload}</span>}
        <span className="pc-dim pc-mono pc-cut">{app.id}</span>
      </div>
      <MayChange>
        <AppButtons app={app} />
      </MayChange>
      <dl className="pc-figures">
        <div>
          <dt>Instances</dt>
          <dd>
            {running} <span className="pc-dim">of {app.instances}</span>
          </dd>
        </div>
        {app.workload === 'job' && (
          <div>
            <dt>Completed</dt>
            <dd>{describeJob(app)}</dd>
          </div>
        )}
        <div className="pc-figure-wide">
          <dt>Health</dt>
          <dd>
            <HealthBar label={app.id} counts={counts} />
            <span className="pc-dim pc-figure-note" aria-live="polite">
              {healthSentence(counts)}
            </span>
          </dd>
        </div>
        <div>
          <dt>CPU each</dt>
          <dd>{formatCpus(app.cpus)}</dd>
        </div>
        <div>
          <dt>Memory each</dt>
          <dd>{formatMem(app.mem)}</dd>
        </div>
        {isRouted(app) && (
          <div>
            <dt>Routes</dt>
            <dd>
              <Link to={`/routes?search=${encodeURIComponent(app.id)}`}>at the edge</Link>
            </dd>
          </div>
        )}
        <div className="pc-figure-wide">
          <dt>{app.container?.docker?.image ? 'Image' : 'Command'}</dt>
          <dd className="pc-mono pc-cut" title={whatItRuns(app)}>
            {whatItRuns(app)}
          </dd>
        </div>
      </dl>
    </header>
  );
}

/** It has a label of the edge. */
const isRouted = ({ labels = {} }: App): boolean =>
  Object.keys(labels).some((label) => label.startsWith('HAPROXY_'));

function AppButtons({ app }: { readonly app: App }) {
  const modal = useModal();
  return (
    <div className="pc-app-buttons">
      {app.workload !== 'daemon' && <ScalePopover appId={app.id} instances={app.instances} />}
      <Button
        variant="default"
        leftSection={<Icon name="restart" />}
        onClick={() => modal.open('restart', app.id)}
      >
        Restart
      </Button>
      <Button
        variant="default"
        leftSection={<Icon name="edit" />}
        onClick={() => modal.open('edit', app.id)}
      >
        Edit
      </Button>
      <Button
        variant="default"
        leftSection={<Icon name="pause" />}
        disabled={app.instances === 0 || app.workload === 'daemon'}
        onClick={() => modal.open('suspend', app.id)}
      >
        Suspend
      </Button>
      <Button
        variant="default"
        className="pc-danger"
        leftSection={<Icon name="trash" />}
        onClick={() => modal.open('destroy', app.id)}
      >
        Destroy
      </Button>
    </div>
  );
}

function describeJob({ completed = 0, failed = 0, instances }: App): string {
  const text = `${completed} of ${instances}`;
  return failed === 0 ? text : `${text}, ${failed} failed`;
}

function whatItRuns(app: App): string {
  return app.container?.docker?.image ?? app.cmd ?? app.args?.join(' ') ?? '—';
}
