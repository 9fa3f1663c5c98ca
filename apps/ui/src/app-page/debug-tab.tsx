import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { describeError } from '../api/api-error.js';
import type { App, QueueEntry, TaskFailure } from '../api/api-types.js';
import { useWhy } from '../api/queries.js';
import { healthCounts } from '../apps/app-status.js';
import type { QueuePlace } from '../apps/queue-place.js';
import { reasonWords, refusals, waitingReasons } from '../apps/waiting-reasons.js';
import { formatAge, formatTimestamp } from '../format/durations.js';
import { plural } from '../format/quantities.js';
import { useNow } from '../shell/use-now.js';
import { logsAddress } from './instances-table.js';
import { taskStateWords } from './task-view.js';
import { WhyExplanation } from './why-explanation.js';

interface DebugTabProps {
  readonly app: App;
  readonly place: QueuePlace;
}

export function DebugTab({ app, place }: DebugTabProps) {
  return (
    <div className="pc-debug">
      <Card title="Why it waits">
        <WhyItWaits app={app} place={place} />
        <WhyExplanation appId={app.id} />
      </Card>
      <Card title="Last task failure">
        {app.lastTaskFailure ? (
          <FailureDetails app={app} failure={app.lastTaskFailure} />
        ) : (
          <p className="pc-dim">No instance of this application has failed.</p>
        )}
      </Card>
      <Card title="Last changes">
        <Changes app={app} />
      </Card>
    </div>
  );
}

function Card({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="pc-card" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function WhyItWaits({ app, place }: DebugTabProps) {
  switch (place.kind) {
    case 'loading':
      return (
        <p className="pc-dim" role="status">
          Reading the launch queue…
        </p>
      );
    case 'unknown':
      return (
        <p className="pc-bad" role="alert">
          The launch queue cannot be read: {describeError(place.error)}
        </p>
      );
    case 'waits':
      return <QueueDetails appId={app.id} entry={place.entry} readAtMs={place.readAtMs} />;
    case 'none': {
      const missing = healthCounts(app).unscheduled;
      return (
        <p className="pc-dim">
          {missing === 0
            ? 'Nothing waits: every wanted instance has a place.'
            : `Nothing is in the launch queue; ${plural(missing, 'instance')} of ${app.instances} not there yet.`}
        </p>
      );
    }
    default:
      return place satisfies never;
  }
}

interface QueueDetailsProps {
  readonly appId: string;
  readonly entry: QueueEntry;
  readonly readAtMs: number;
}

function QueueDetails({ appId, entry, readAtMs }: QueueDetailsProps) {
  const nowMs = useNow();
  // An explanation tells more: every reason of each agent instead of its first.
  const isExplained = useWhy(appId).data !== undefined;
  const declined = isExplained ? [] : refusals(entry);
  const summary = entry.processedOffersSummary;
  const facts: Fact[] = [
    ['Instances to place', String(entry.count)],
    ['Waiting for', formatAge(entry.since, nowMs)],
    ['Offers seen', String(summary?.processedOffersCount ?? 0)],
    ['Offers that did not fit', String(summary?.unusedOffersCount ?? 0)],
    ['Last offer used', formatTimestamp(summary?.lastUsedOfferAt)],
  ];
  return (
    <>
      <ul className="pc-reasons">
        {waitingReasons(entry, nowMs - readAtMs).map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
      <Facts facts={facts} />
      {declined.length > 0 && (
        <table className="pc-table pc-table--inner" aria-label="Refused offers">
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col" className="pc-num">
                Declined
              </th>
              <th scope="col" className="pc-num">
                Of
              </th>
              <th scope="col" className="pc-wide">
                <span className="pc-sr">Share</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {declined.map((r) => (
              <tr key={r.reason}>
                <td title={reasonWords(r.reason)}>{r.reason}</td>
                <td className="pc-num">{r.declined}</td>
                <td className="pc-num">{r.processed}</td>
                <td className="pc-wide">
                  <span
                    className="pc-share"
                    style={{ width: `${(100 * r.declined) / Math.max(1, r.processed)}%` }}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function FailureDetails({ app, failure }: { readonly app: App; readonly failure: TaskFailure }) {
  const nowMs = useNow();
  const log = logsAddress({ id: failure.taskId, appId: app.id });
  const facts: Fact[] = [
    ['State', taskStateWords(failure.state)],
    ['Message', failure.message || '—'],
    ['Host', failure.host ?? '—'],
    ['When', `${formatTimestamp(failure.timestamp)} (${formatAge(failure.timestamp, nowMs)} ago)`],
    ['Version', formatTimestamp(failure.version)],
    ['Instance', failure.taskId],
  ];
  return (
    <>
      <Facts facts={facts} />
      <p className="pc-links">
        <Link to={`${log}&file=stdout`}>stdout</Link>
        <Link to={`${log}&file=stderr`}>stderr</Link>
      </p>
    </>
  );
}

function Changes({ app }: { readonly app: App }) {
  const nowMs = useNow();
  const line = (iso: string | undefined) =>
    iso ? `${formatTimestamp(iso)} (${formatAge(iso, nowMs)} ago)` : '—';
  return (
    <Facts
      facts={[
        ['Scaled or restarted', line(app.versionInfo?.lastScalingAt)],
        ['Configuration', line(app.versionInfo?.lastConfigChangeAt)],
        ['Version', app.version ?? '—'],
      ]}
    />
  );
}

type Fact = readonly [name: string, value: string];

function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="pc-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
