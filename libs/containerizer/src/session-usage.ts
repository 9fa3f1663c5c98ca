/** What the processes of each session use, by one pass over `/proc`. */
import { readdir, readFile } from 'node:fs/promises';

export interface SessionUsage {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly rssBytes: number;
}

/** Linux on every platform Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const BATCH = 32;

/** By the session's leader; `sessionOf` finds a process's. O(processes on the host). */
export async function readSessionUsage(): Promise<{
  readonly sessionOf: ReadonlyMap<number, number>;
  readonly bySession: ReadonlyMap<number, SessionUsage>;
}> {
  const sessionOf = new Map<number, number>();
  const bySession = new Map<number, SessionUsage>();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const visit = async (pid: string): Promise<void> => {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const seen = parseUsage(text);
    if (seen === undefined) return;
    const { session, ...usage } = seen;
    sessionOf.set(Number(pid), session);
    bySession.set(session, addUsage(bySession.get(session), usage));
  };
  for (let start = 0; start < pids.length; start += BATCH) {
    await Promise.all(pids.slice(start, start + BATCH).map(visit));
  }
  return { sessionOf, bySession };
}

/** Counted from field 3 (state): session is field 6, times are 14 to 17, resident pages 24. */
function parseUsage(text: string): (SessionUsage & { readonly session: number }) | undefined {
  const close = text.lastIndexOf(')');
  if (close < 0) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const field = (index: number): number => Number(fields[index]);
  // With what children used that have ended: without it, the sum would shrink when one does.
  return {
    session: field(3),
    userSeconds: (field(11) + field(13)) / TICKS_PER_SECOND,
    systemSeconds: (field(12) + field(14)) / TICKS_PER_SECOND,
    rssBytes: field(21) * PAGE_BYTES,
  };
}

const addUsage = (sum: SessionUsage | undefined, more: SessionUsage): SessionUsage => ({
  userSeconds: (sum?.userSeconds ?? 0) + more.userSeconds,
  systemSeconds: (sum?.systemSeconds ?? 0) + more.systemSeconds,
  rssBytes: (sum?.rssBytes ?? 0) + more.rssBytes,
});
