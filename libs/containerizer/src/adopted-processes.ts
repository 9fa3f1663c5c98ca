/**
 * Notices the end of processes that are not our children and cannot tell it themselves: one shared timer asks
 * for all of them in one pass whether their pid exists, which costs a microsecond each. Because a pid may have been
 * given to another process between two passes, a slice of them is compared by start time too, in turn.
 */
import { isAlive, type ProcessIdentity, signalProcess } from './process-table.js';

/** How many are compared by start time per pass. */
const VERIFIED_PER_PASS = 16;

export interface AdoptedProcesses {
  /** Calls `ended` once, after the process is gone. */
  watch(identity: ProcessIdentity, ended: () => void): void;
  unwatch(identity: ProcessIdentity): void;
  close(): void;
}

export function createAdoptedProcesses(intervalMs: number): AdoptedProcesses {
  const watched = new Map<ProcessIdentity, () => void>();
  let timer: NodeJS.Timeout | undefined;
  let nextVerified = 0;

  const end = (identity: ProcessIdentity): void => {
    const ended = watched.get(identity);
    watched.delete(identity);
    ended?.();
  };

  const pass = (): void => {
    for (const identity of [...watched.keys()]) {
      if (!signalProcess(identity.pid, 0)) end(identity);
    }
    const rest = [...watched.keys()];
    if (nextVerified >= rest.length) nextVerified = 0;
    const slice = rest.slice(nextVerified, nextVerified + VERIFIED_PER_PASS);
    nextVerified += slice.length;
    for (const identity of slice) if (!isAlive(identity)) end(identity);
    if (watched.size === 0) stop();
  };

  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };

  return {
    watch(identity, ended) {
      watched.set(identity, ended);
      timer ??= setInterval(pass, intervalMs);
    },
    unwatch(identity) {
      watched.delete(identity);
    },
    close() {
      stop();
      watched.clear();
    },
  };
}
