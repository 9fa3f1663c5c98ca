import type { LaunchedTask, RunKey, TaskExit } from '#core';
import type { ExecutorInfo, FrameworkInfo, LaunchId } from '#mesos-v1';
import type { LauncherKind } from './agent-launch-spec.js';

/** One run of a custom executor, from the LAUNCH that needed it until its process has ended. */
export interface AgentExecutor {
  readonly run: RunKey;
  /** Its framework's name for it. */
  readonly id: string;
  readonly framework: FrameworkInfo;
  readonly info: ExecutorInfo;
  readonly launcher: LauncherKind;
  /** Of the launch that started it: tells it from another one of this id. */
  readonly launchId?: LaunchId;
  readonly phase: AgentExecutorPhase;
  /** Whether it has ever subscribed. */
  readonly isRegistered: boolean;
  /** Its stream, while it has one. */
  readonly connection?: number;
  readonly launched?: LaunchedTask;
  /** Why it is being ended. */
  readonly ending?: ExecutorEnding;
  /** What its launcher was told last. */
  readonly limits?: ExecutorLimits;
  /** Its tasks that have a record, oldest first. Owned by the agent's state and mutated in place. */
  readonly tasks: Set<RunKey>;
}

/**
 * | phase         | waits for                | at its deadline                               |
 * |---------------|--------------------------|-----------------------------------------------|
 * | received      | a free fetch/launch slot | the slots' holders have deadlines             |
 * | fetching      | its URIs                 | its tasks fail, fetch cancelled               |
 * | launching     | the launcher             | its tasks fail, whatever was started is killed |
 * | recovering    | the launcher to find it  | its tasks are lost                            |
 * | registering   | its SUBSCRIBE            | killed, its tasks fail                        |
 * | running       | its exit                 |                                               |
 * | shutting-down | its exit                 | killed                                        |
 * | killing       | its exit                 | killed again                                  |
 *
 * After its exit there is no record but that of a completed executor.
 */
export type AgentExecutorPhase =
  | { readonly kind: 'received'; readonly waitsFor: 'fetch' | 'launch' }
  | { readonly kind: 'fetching' }
  /** `exit`: it ended before the launcher said that it had started. */
  | { readonly kind: 'launching'; readonly exit?: TaskExit }
  | { readonly kind: 'recovering'; readonly attempts: number; readonly deadlineMs: number }
  | { readonly kind: 'registering' }
  | { readonly kind: 'running' }
  | { readonly kind: 'shutting-down'; readonly killAtMs: number }
  | { readonly kind: 'killing' };

/** Why an executor is being ended, and what is said of its tasks that have not ended by themselves until then. */
export interface ExecutorEnding {
  readonly graceMs: number;
  readonly reason: string;
  readonly message: string;
}

export interface ExecutorLimits {
  readonly cpuMillis: number;
  readonly memMib: number;
}

/** Milliseconds. */
export interface ExecutorOptions {
  /** From the start of its process until its first SUBSCRIBE. */
  readonly registrationMs: number;
  /** From the moment a restarted agent has found its process until it subscribes again. */
  readonly reregistrationMs: number;
  /** Between SHUTDOWN and its kill, where ExecutorInfo names no other. */
  readonly shutdownGraceMs: number;
}

/** Mesos' values. */
export const DEFAULT_EXECUTOR_OPTIONS: ExecutorOptions = {
  registrationMs: 60_000,
  reregistrationMs: 2_000,
  shutdownGraceMs: 5_000,
};

/** Mesos' bound on the time a restarted agent waits for executors. */
export const MAX_REREGISTRATION_MS = 15_000;

/** Everything written down about one executor that has not ended. */
export interface ExecutorRecord {
  readonly framework: FrameworkInfo;
  readonly executor: ExecutorInfo;
  readonly launchId?: LaunchId;
  readonly isLaunching: boolean;
  readonly isRegistered: boolean;
  readonly ending?: ExecutorEnding;
}

/** An executor of which only the end is kept, for its sandbox and its tasks. */
export interface CompletedExecutor {
  readonly run: RunKey;
  readonly executorId: string;
  readonly frameworkId: string;
  readonly launchId?: LaunchId;
}

/** The end of an executor, as a master is told it. */
export interface ExecutorExit extends CompletedExecutor {
  /** As `waitpid` gives it; -1: nobody saw it. */
  readonly status: number;
  /** Runs whose ends are written down first. */
  readonly after?: readonly RunKey[];
}

/** Completed executors remembered. */
export const MAX_COMPLETED_EXECUTORS = 200;

export type ExecutorJournalRecord =
  | {
      readonly kind: 'executor-accepted';
      readonly run: RunKey;
      readonly framework: FrameworkInfo;
      readonly executor: ExecutorInfo;
      readonly launchId?: LaunchId;
    }
  /** Written before the launcher is called: from here on it is never called again for this run. */
  | { readonly kind: 'executor-launching'; readonly run: RunKey }
  | { readonly kind: 'executor-registered'; readonly run: RunKey }
  | { readonly kind: 'executor-ending'; readonly run: RunKey; readonly ending: ExecutorEnding }
  | ({ readonly kind: 'executor-ended' } & CompletedExecutor)
  /** A whole one, written when the journal is compacted. */
  | {
      readonly kind: 'executor-snapshot';
      readonly run: RunKey;
      readonly record: ExecutorRecord;
    };

/** The executors of a journal read back, mutated in place by {@link applyExecutorRecord}. */
export interface ExecutorImage {
  readonly executors: Map<RunKey, ExecutorRecord>;
  /** Oldest first. */
  readonly completedExecutors: Map<RunKey, CompletedExecutor>;
}

/** Applies one record. Records about an unknown executor are dropped: it has ended, or its definition was unreadable. */
export function applyExecutorRecord(image: ExecutorImage, record: ExecutorJournalRecord): void {
  if (record.kind === 'executor-ended') {
    const { kind: _, ...completed } = record;
    image.executors.delete(record.run);
    rememberExecutor(image.completedExecutors, completed);
    return;
  }
  const next = nextExecutorRecord(image.executors.get(record.run), record);
  if (next !== undefined) image.executors.set(record.run, next);
}

/** Adds one completed executor and forgets the oldest beyond {@link MAX_COMPLETED_EXECUTORS}. */
export function rememberExecutor(
  completed: Map<RunKey, CompletedExecutor>,
  executor: CompletedExecutor,
): void {
  completed.delete(executor.run);
  completed.set(executor.run, executor);
  for (const oldest of completed.keys()) {
    if (completed.size <= MAX_COMPLETED_EXECUTORS) return;
    completed.delete(oldest);
  }
}

function nextExecutorRecord(
  known: ExecutorRecord | undefined,
  record: Exclude<ExecutorJournalRecord, { readonly kind: 'executor-ended' }>,
): ExecutorRecord | undefined {
  switch (record.kind) {
    case 'executor-snapshot':
      return record.record;
    case 'executor-accepted':
      return (
        known ?? {
          framework: record.framework,
          executor: record.executor,
          ...(record.launchId === undefined ? {} : { launchId: record.launchId }),
          isLaunching: false,
          isRegistered: false,
        }
      );
    case 'executor-launching':
      return known && { ...known, isLaunching: true };
    case 'executor-registered':
      return known && { ...known, isRegistered: true };
    case 'executor-ending':
      return known && { ...known, ending: record.ending };
    default:
      return record satisfies never;
  }
}

/** Ids have no control characters, so a line feed divides them. */
export const executorKeyOf = (frameworkId: string, executorId: string): string =>
  `${frameworkId}\n${executorId}`;

/** The container of the v1 API: an executor's run. */
export const containerIdOf = ({ run, launched }: Pick<AgentExecutor, 'run' | 'launched'>) =>
  launched?.containerId ?? run;
