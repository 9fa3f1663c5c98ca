import type { KnownSessions } from './known-sessions.js';

/** What one process launcher can be told. */
export interface ProcessLauncherOptions {
  /** Tells agents on one host apart and must outlive restarts: a launcher ends only strays of its own scope. */
  readonly scope: string;
  /** Where the sessions of its tasks are noted, for who scans the host; default: for itself only. */
  readonly knownSessions?: KnownSessions;
  /** Parent of the tasks' cgroups in each hierarchy; default `pacer`. */
  readonly cgroupRoot?: string;
  /** Processes and threads one task may have; default 4096, 0 for no limit. */
  readonly maxProcesses?: number;
  /** Caps cpu time at the task's cpus (CFS quota) rather than only weighing it; default false. */
  readonly capCpu?: boolean;
  /** Space each of a task's log files may take; default 100 MiB. */
  readonly maxLogBytes?: number;
  /** Launches at once, default 16; and waiting for their turn, default 10,000. */
  readonly launchesAtOnce?: number;
  readonly maxWaitingLaunches?: number;
  /** How long a started supervisor may take to report; default 30 s. */
  readonly startTimeoutMs?: number;
  /** Use no cgroups even where they could be made; default false. */
  readonly withoutCgroups?: boolean;
}
