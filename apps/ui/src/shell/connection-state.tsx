import { Tooltip } from '@mantine/core';
import { type ConnectionLevel, connectionLevel } from '../api/connection.js';
import { useConnection } from '../api/connection-store.js';
import { useReadTroubles } from '../api/read-troubles.js';
import { formatDuration } from '../format/durations.js';
import { Icon } from './icons.js';
import { useNow } from './use-now.js';

const WORDS: Readonly<Record<ConnectionLevel, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  polling: 'Polling',
  lost: 'Connection lost',
};
const EXPLANATIONS: Readonly<Record<ConnectionLevel, string>> = {
  connecting: 'Opening the event stream',
  live: 'Changes show as they happen',
  polling: 'The event stream is interrupted; reading again every 5 s',
  lost: 'The controller does not answer',
};

export function ConnectionDot() {
  const level = connectionLevel(useConnection());
  return (
    <Tooltip label={EXPLANATIONS[level]}>
      <span className={`pc-conn pc-conn--${level}`} role="status" aria-label="Connection">
        <span className="pc-conn-dot" aria-hidden="true" />
        {WORDS[level]}
      </span>
    </Tooltip>
  );
}

export function ConnectionBanner() {
  const connection = useConnection();
  return connectionLevel(connection) === 'lost' ? (
    <LostBanner sinceMs={connection.lostSinceMs} />
  ) : null;
}

/** Parts of what is shown may be old although the controller answers. A lost connection already says so of everything. */
export function ReadTroubleBanner() {
  const level = connectionLevel(useConnection());
  const troubles = useReadTroubles();
  if (troubles === '' || level === 'lost') {
    return null;
  }
  return (
    <div className="pc-lost pc-lost--part" role="status" aria-label="Not up to date">
      <Icon name="alert" />
      <div>
        <strong>Not up to date</strong>
        {troubles.split('\n').map((trouble) => (
          <div key={trouble}>{trouble}</div>
        ))}
      </div>
    </div>
  );
}

function LostBanner({ sinceMs }: { readonly sinceMs: number | undefined }) {
  const nowMs = useNow();
  const since = sinceMs === undefined ? '' : ` for ${formatDuration(nowMs - sinceMs)}`;
  return (
    <div className="pc-lost" role="alert">
      <Icon name="alert" />
      <strong>Connection lost</strong>
      <span>
        What you see may be old. Your applications keep running; trying to reconnect
        <span aria-hidden="true">{since}</span>.
      </span>
    </div>
  );
}
