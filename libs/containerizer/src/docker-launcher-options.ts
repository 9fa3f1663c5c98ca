import type { ImageBounds } from './image-choice.js';
import type { KnownSessions } from './known-sessions.js';

export interface DockerLauncherOptions {
  /** Tells agents on one host apart and must outlive restarts: a launcher ends only containers of its own scope. */
  readonly scope: string;
  /** Sessions in which nothing of a container runs. */
  readonly knownSessions?: KnownSessions;
  /** The engine's socket; default `DOCKER_HOST`, else `/var/run/docker.sock`. */
  readonly socketPath?: string;
  /** Processes and threads one container may have; default 4096, 0 for no limit. */
  readonly maxProcesses?: number;
  /** The address ports are published on, an IP; default: all of the host's. */
  readonly publishAddress?: string;
  /** Caps cpu time at the task's cpus (CFS quota) rather than only weighing it; default false. */
  readonly capCpu?: boolean;
  /** Where profiles of system calls are, by their names; absent: there are none. */
  readonly seccompDirectory?: string | undefined;
  /** Space each of a task's log files may take; default 100 MiB. */
  readonly maxLogBytes?: number;
  /** Containers created and started at once; default 4, more only add latency. */
  readonly launchesAtOnce?: number;
  /** Deadlines of the phases; default 10 minutes, 1 minute and 1 minute. */
  readonly pullTimeoutMs?: number;
  readonly createTimeoutMs?: number;
  readonly startTimeoutMs?: number;
  /** Where pulled images are remembered, and how long they are kept; absent: they are never removed. */
  readonly imageRecords?: string;
  readonly imageBounds?: ImageBounds;
  readonly log?: (level: 'info' | 'warn', message: string) => void;
  /** How often all containers are compared besides the engine's events; default 30 s. */
  readonly resyncMs?: number;
}
