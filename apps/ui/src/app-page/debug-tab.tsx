import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { App, QueueEntry, TaskFailure } from '../api/api-types.js';
import { reasonWords, refusals, waitingReasons } from '../apps/waiting-reasons.js';
import { formatAge, formatTimestamp } from '../format/durations.js';
import { useNow } from '../shell/use-now.js';
import { logsAddress } from './instances-table.js';
import { taskStateWords } from './task-view.js';

interface DebugTabProps {
  readonly app: App;
  readonly entry: QueueEntry | undefined;
}

export function DebugTab({ app, entry }: DebugTabProps) {
  return (
    <div className="pc-debug">
      <Card title="Why it waits">
        {entry && entry.count > 0 ? (
          <QueueDetails entry={entry} />
        ) : (
          <p className="pc-dim">Nothing waits: every wanted instance has a place.</p>
        )}
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

function QueueDetails({ entry }: { readonly entry: QueueEntry }) {
  const nowMs = useNow();
  const declined = refusals(entry);
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
        {waitingReasons(entry).map((reason) => (
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
