import type { AppStatus } from './app-status.js';

/** The status as a dot and a word; the dot of what is under way pulses. */
export function StatusBadge({ status }: { readonly status: AppStatus }) {
  return (
    <span className={`pc-status pc-status--${status.toLowerCase()}`}>
      <span className="pc-status-dot" aria-hidden="true" />
      {status}
    </span>
  );
}
