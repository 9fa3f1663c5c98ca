import type { Clock } from '#core';
import type { FrameworkInfo } from '#mesos-v1';
import type { BackOffOptions } from './back-off.js';
import type { Credential } from './credential.js';
import type { RunnerStore } from './runner-store.js';
import type { Place, RunnerTask, TaskReport } from './runner-task.js';
import type { TlsConnection } from './secure-connect.js';

export interface TaskRunnerOptions {
  /** Masters to try, as `host:port` or URL; any of them redirects to the leader. */
  readonly masters: readonly string[];
  /** By default the framework is kept for an hour without its scheduler, and its tasks survive their agent. */
  readonly frameworkInfo: FrameworkInfo;
  /**
   * Told of each status; the master is told that it was taken in once this resolves. So make durable here what must not
   * be lost. May be told the same again. When it rejects, the status comes again.
   */
  readonly onStatus: (report: TaskReport) => Promise<void> | void;
  /** Without one, the framework is another after each start. */
  readonly store?: RunnerStore;
  readonly credential?: Credential;
  /** For https masters, asked at each new connection: whom to trust (`ca`), who we are (`cert` and `key`). */
  readonly tls?: () => TlsConnection;
  readonly clock?: Clock;
  readonly backOff?: Partial<BackOffOptions>;
  readonly log?: (message: string) => void;
  readonly reconcileIntervalMs?: number;
  /** A task on an agent unreachable for this long is given up, and killed should it return. */
  readonly unreachableLimitMs?: number;
}

/** Runs tasks for a framework that only wants to say which. */
export interface TaskRunner {
  /** Loads what the store has, and connects. Resolves before anything is launched. */
  start(): Promise<void>;
  /**
   * Launches the tasks, all or none of them at once, when there is room. Tasks of these names that run already are
   * kept; `running` says which. After a failure, a task of the same name waits a little, each time longer.
   * Throws TypeError for what cannot be run, and when only some of a gang run already.
   */
  submit(...gang: readonly RunnerTask[]): void;
  /** Kills the task of this name; one that still waits is dropped, with its gang. */
  kill(name: string): void;
  /** Tasks that were launched and are not known to have ended. */
  running(): readonly Place[];
  /** Resolves when nothing waits and nothing runs. Rejects when the runner has failed for good. */
  idle(): Promise<void>;
  /** Leaves; tasks go on for the framework's failover_timeout. */
  stop(): Promise<void>;
  /** Ends the framework and all its tasks. */
  teardown(): Promise<void>;
}
