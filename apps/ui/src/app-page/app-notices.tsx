import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { MayChange } from '../api/access.js';
import { change, resourcePath } from '../api/api-client.js';
import { describeError } from '../api/api-error.js';
import type { App, QueueEntry } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { useDeployments } from '../api/queries.js';
import type { QueuePlace } from '../apps/queue-place.js';
import { waitingReasons } from '../apps/waiting-reasons.js';
import { progressPercent } from '../deployments/deployment-progress.js';
import { DeploymentWaits } from '../deployments/deployment-waits.js';
import { ProgressBar } from '../deployments/progress-bar.js';
import { Icon, type IconName } from '../shell/icons.js';
import { useNow } from '../shell/use-now.js';
import { LastFailure } from './last-failure.js';

interface AppNoticesProps {
  readonly app: App;
  readonly place: QueuePlace;
}

/** What an operator should know before anything else: what is under way, and what holds it up. */
export function AppNotices({ app, place }: AppNoticesProps) {
  const deployments = useDeployments();
  const mine = (deployments.data ?? []).filter((d) => d.affectedApps?.includes(app.id));
  return (
    <>
      {deployments.error && !deployments.data && (
        <Notice tone="warn" icon="alert">
          The progress of deployments cannot be read: {describeError(deployments.error)}
        </Notice>
      )}
      {mine.map((deployment) => (
        <Notice key={deployment.id} tone="info" icon="rollout">
          <div className="pc-notice-line">
            <strong>
              Deploying, step {deployment.currentStep} of {deployment.totalSteps}
            </strong>
            <ProgressBar
              percent={progressPercent(deployment)}
              label={`Progress of deployment ${deployment.id}`}
            />
            <Link to="/deployments">Show deployment</Link>
          </div>
          <DeploymentWaits deployment={deployment} />
        </Notice>
      ))}
      {place.kind === 'waits' && (
        <QueueNotice app={app} entry={place.entry} readAtMs={place.readAtMs} />
      )}
    </>
  );
}

interface QueueNoticeProps {
  readonly app: App;
  readonly entry: QueueEntry;
  readonly readAtMs: number;
}

function QueueNotice({ app, entry, readAtMs }: QueueNoticeProps) {
  const run = useRunChange();
  const nowMs = useNow();
  const isDelayed = entry.delay !== undefined && !entry.delay.overdue;
  const resetDelay = () =>
    void run({
      label: `Reset the delay of ${app.id}`,
      send: () => change('DELETE', `${resourcePath('/v2/queue', app.id)}/delay`),
    });
  return (
    <Notice tone="warn" icon="clock">
      <strong>{isDelayed ? 'Delayed' : 'Waiting for a place to run'}</strong>
      <ul className="pc-reasons">
        {waitingReasons(entry, nowMs - readAtMs).map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
      {isDelayed && app.lastTaskFailure && <LastFailure failure={app.lastTaskFailure} />}
      <div className="pc-notice-line">
        {isDelayed && (
          <MayChange>
            <Button size="compact-xs" variant="default" onClick={resetDelay}>
              Reset delay
            </Button>
          </MayChange>
        )}
        <Link to={`/apps${app.id}?tab=debug`}>Why in detail</Link>
      </div>
    </Notice>
  );
}

interface NoticeProps {
  readonly tone: 'info' | 'warn';
  readonly icon: IconName;
  readonly children: ReactNode;
}

function Notice({ tone, icon, children }: NoticeProps) {
  return (
    <div className={`pc-notice pc-notice--${tone}`} role="status">
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}
