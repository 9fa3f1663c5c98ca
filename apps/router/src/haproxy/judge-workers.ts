/** What is seen of one worker that only finishes what it has. */
export interface OldWorkerSight {
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** Processor time used so far. */
  readonly cpuMs: number;
  /** Open connections of clients; undefined: it does not tell, which counts as some. */
  readonly connections: number | undefined;
}

export interface WorkersSight {
  readonly old: readonly OldWorkerSight[];
  /** Uptimes of the workers that take new connections. */
  readonly currentUptimes: readonly number[];
}

/** Since when each old worker has burnt a processor without a connection. */
export type BusySince = ReadonlyMap<number, { readonly sinceMs: number; readonly cpuMs: number }>;

export const END_REASONS = ['overdue', 'burning', 'excess'] as const;
export type EndReason = (typeof END_REASONS)[number];

export interface WorkerVerdict {
  readonly ends: readonly {
    readonly pid: number;
    readonly reason: EndReason;
    readonly why: string;
  }[];
  readonly busy: BusySince;
}

export interface WorkerLimits {
  /** Longest life of an old worker by HAProxy's own account. */
  readonly hardStopSeconds: number;
}

/** HAProxy ends an old worker itself; this long afterwards it is stuck. */
const OVERDUE_SECONDS = 10;
const BUSY_SHARE = 0.9;
const BUSY_MS = 30_000;
const MAX_OLD_WORKERS = 5;

/**
 * Which old workers are to be ended, oldest first: those HAProxy should have ended by itself (2.6 has left some for ever),
 * those that burn a processor for 30 s with nothing to do, and of more than five the oldest that have nothing to do. A
 * worker became old no earlier than its successor started. O(workers log workers).
 */
export function judgeWorkers(
  sight: WorkersSight,
  before: BusySince,
  context: WorkerLimits & { readonly nowMs: number; readonly lastLookMs: number | undefined },
): WorkerVerdict {
  const { hardStopSeconds, nowMs, lastLookMs } = context;
  const old = sight.old.toSorted((left, right) => right.uptimeSeconds - left.uptimeSeconds);
  const uptimes = [...old.map(({ uptimeSeconds }) => uptimeSeconds), ...sight.currentUptimes];
  const busy = new Map<number, { sinceMs: number; cpuMs: number }>();
  const ends: { pid: number; reason: EndReason; why: string }[] = [];
  let left = old.length;
  for (const worker of old) {
    const { pid, uptimeSeconds, cpuMs, connections } = worker;
    // Uptimes are whole seconds: one that started in the same second may have come before or after.
    const oldSeconds = Math.max(0, ...uptimes.filter((uptime) => uptime < uptimeSeconds));
    const known = before.get(pid);
    const isBusy =
      known !== undefined &&
      lastLookMs !== undefined &&
      connections === 0 &&
      cpuMs - known.cpuMs > (nowMs - lastLookMs) * BUSY_SHARE;
    const sinceMs = isBusy ? known.sinceMs : nowMs;
    busy.set(pid, { sinceMs, cpuMs });
    const verdict = (reason: EndReason, why: string): void => {
      ends.push({ pid, reason, why });
      left -= 1;
    };
    if (oldSeconds > hardStopSeconds + OVERDUE_SECONDS) {
      verdict('overdue', `old for ${oldSeconds} s, and HAProxy ends it after ${hardStopSeconds} s`);
    } else if (nowMs - sinceMs >= BUSY_MS) {
      const seconds = Math.round((nowMs - sinceMs) / 1_000);
      verdict(
        'burning',
        `above ${BUSY_SHARE * 100} % of a processor for ${seconds} s, no connection`,
      );
    } else if (left > MAX_OLD_WORKERS && connections === 0) {
      verdict(
        'excess',
        `${left} old workers, more than ${MAX_OLD_WORKERS}, and it has no connection`,
      );
    }
  }
  return { ends, busy };
}
