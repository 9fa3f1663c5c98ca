import { type ProcessIdentity, readStat } from './process-table.js';

/**
 * POSIX sessions whose members all belong to one running task, by their leaders. A scan of the host need not read what the
 * environment of each member says, which is most of its work: a host with 1,000 tasks has more than 2,000 such processes.
 */
export class KnownSessions {
  private readonly leaders = new Map<number, number>();

  add({ pid, startTicks }: ProcessIdentity): void {
    this.leaders.set(pid, startTicks);
  }

  remove({ pid, startTicks }: ProcessIdentity): void {
    if (this.leaders.get(pid) === startTicks) this.leaders.delete(pid);
  }

  /** Whether the session is one of them. Without its leader a session's number says nothing certain. */
  has(session: number): boolean {
    const startTicks = this.leaders.get(session);
    return startTicks !== undefined && readStat(session)?.startTicks === startTicks;
  }
}
