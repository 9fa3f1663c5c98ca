import type { QueueEntry, RejectCount } from '../api/api-types.js';
import { formatDuration } from '../format/durations.js';
import { plural } from '../format/quantities.js';

const REASON_WORDS: Readonly<Record<string, string>> = {
  UnfulfilledRole: 'had no resources for the role',
  NoDockerSupport: 'were from agents without Docker',
  UnfulfilledConstraint: 'did not meet the constraints',
  NoCorrespondingReservationFound: 'lacked the reservation',
  AgentMaintenance: 'were on agents in maintenance',
  InsufficientCpus: 'were short of cpus',
  InsufficientMemory: 'were short of memory',
  InsufficientDisk: 'were short of disk',
  InsufficientGpus: 'were short of gpus',
  InsufficientPorts: 'had no suitable ports',
  DeclinedScarceResources: 'were kept for apps that need scarce resources',
};

export function reasonWords(reason: string): string {
  return REASON_WORDS[reason] ?? reason;
}

/** The refusals worth showing: those of the last round of offers, else those of the whole attempt. */
export function refusals(entry: QueueEntry): readonly RejectCount[] {
  const summary = entry.processedOffersSummary;
  const last = (summary?.rejectSummaryLastOffers ?? []).filter((r) => r.declined > 0);
  if (last.length > 0) {
    return last;
  }
  return (summary?.rejectSummaryLaunchAttempt ?? []).filter((r) => r.declined > 0);
}

/** A delay that is still in force is never shown as less: the next reading tells when it is over. */
const LEAST_DELAY_MS = 1_000;

/**
 * Why instances are not running yet, one sentence each, the most telling first. `elapsedMs` is the age of the entry, so
 * that a delay counts down between two readings.
 */
export function waitingReasons(entry: QueueEntry, elapsedMs = 0): string[] {
  const delay = entry.delay;
  if (delay && !delay.overdue && delay.timeLeftSeconds > 0) {
    const leftMs = delay.timeLeftSeconds * 1000 - Math.max(0, elapsedMs);
    return [`Held back for ${formatDuration(Math.max(LEAST_DELAY_MS, leftMs))} after a failure`];
  }
  const wanted = `${plural(entry.count, 'instance')} to place`;
  const summary = entry.processedOffersSummary;
  if (!summary || summary.processedOffersCount === 0) {
    return [`${wanted}; no offer from any agent yet`];
  }
  const declined = refusals(entry);
  if (declined.length === 0) {
    return [`${wanted}; ${plural(summary.processedOffersCount, 'offer')} seen`];
  }
  // The reasons form a funnel: each only sees the offers the ones before it let pass.
  const seen = Math.max(...declined.map((r) => r.processed));
  return [...declined]
    .sort((a, b) => b.declined - a.declined)
    .map((r) => `${r.declined} of ${plural(seen, 'offer')} ${agreeing(r)}`);
}

function agreeing({ reason, declined }: RejectCount): string {
  const words = reasonWords(reason);
  return declined === 1 ? words.replace(/^were /, 'was ') : words;
}

/** The queue by app or pod id. */
export function queueById(queue: readonly QueueEntry[]): ReadonlyMap<string, QueueEntry> {
  return new Map(
    queue.flatMap((entry) => {
      const id = entry.app?.id ?? entry.pod?.id;
      return id === undefined ? [] : [[id, entry] as const];
    }),
  );
}
