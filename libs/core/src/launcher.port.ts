import type { FrameworkId, RunKey, TaskId } from './ids.js';
import type { Dial } from './prober.port.js';

/** How a task's process ended. Exactly one of `code` and `signal` is known, or neither with `unknown`. */
export type ExitStatus =
  | { readonly kind: 'exited'; readonly code: number }
  /** A code above 128 seen only by a shell: it may have been a signal. */
  | { readonly kind: 'exited-or-signalled'; readonly code: number; readonly signal: number }
  | { readonly kind: 'signalled'; readonly signal: number }
  /** The process is gone and nobody saw how (a reboot, a lost container). */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface TaskExit {
  readonly run: RunKey;
  readonly status: ExitStatus;
  /** The kernel killed it at its memory limit. */
  readonly oomKilled: boolean;
  /** Why it ended, where that is not its own doing; it counts as a failure then, whatever its code is. */
  readonly cause?: string;
}

/** Everything a launcher needs. Paths are absolute; amounts are integers. */
export interface LaunchSpec {
  /** What the launcher knows the task by; the two ids are for people. */
  readonly run: RunKey;
  readonly taskId: TaskId;
  readonly frameworkId: FrameworkId;
  /** The task's working directory and home of its `stdout` and `stderr`; exists already. */
  readonly sandbox: string;
  /** A private folder outside the sandbox for pid, exit status and container id; exists already. */
  readonly runtimeDirectory: string;
  /** Shell: `/bin/sh -c value`. Exec: `value` (a path or a name on PATH) with `args` as argv[0..]; Docker: image CMD override. */
  readonly command:
    | { readonly kind: 'shell'; readonly value: string }
    | { readonly kind: 'exec'; readonly value?: string; readonly args: readonly string[] };
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  /** What it asked for: a weight for processor time, and memory it can count on. */
  readonly cpuMillis: number;
  readonly memMib: number;
  /** What it may take at most where that is not the request. */
  readonly limits?: {
    readonly cpuMillis?: number | 'unlimited';
    readonly memMib?: number | 'unlimited';
  };
  readonly rlimits?: readonly Rlimit[];
  /** Ids (UUIDs) of the NVIDIA GPUs that are its own; absent: nothing is said about GPUs. */
  readonly gpus?: readonly string[];
  /** Its processes have a terminal that nobody types at; what they write there is its `stdout`. */
  readonly hasTerminal?: true;
  readonly docker?: DockerSpec;
}

/** What a task may take. */
export type TaskLimits = Pick<LaunchSpec, 'cpuMillis' | 'memMib'>;

/** The limits of setrlimit(2) by their names in Mesos, which are RLMT_ and these in capitals. */
export const RLIMIT_NAMES = [
  ...(['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue'] as const),
  ...(['nice', 'nofile', 'nproc', 'rss', 'rtprio', 'rttime', 'sigpending', 'stack'] as const),
] as const;

/** In the units of setrlimit(2): bytes, seconds or a count. */
export interface Rlimit {
  readonly name: (typeof RLIMIT_NAMES)[number];
  readonly soft: number | 'unlimited';
  readonly hard: number | 'unlimited';
}

export interface DockerSpec {
  readonly image: string;
  readonly forcePull: boolean;
  readonly privileged: boolean;
  readonly network:
    | 'HOST'
    | 'BRIDGE'
    | 'NONE'
    | { readonly user: string }
    | { readonly shared: SharedNetwork };
  readonly portMappings: readonly {
    readonly hostPort: number;
    readonly containerPort: number;
    readonly protocol: 'tcp' | 'udp';
  }[];
  readonly volumes: readonly {
    readonly hostPath: string;
    readonly containerPath: string;
    readonly mode: 'RO' | 'RW';
  }[];
  /** Directories of the agent's own, whatever characters their paths have. */
  readonly mounts?: DockerSpec['volumes'];
  readonly parameters: readonly { readonly key: string; readonly value: string }[];
  /** Which system calls it may make. A profile is a file the launcher knows by its name. Absent: what the engine does. */
  readonly seccomp?: 'unconfined' | { readonly profile: string };
  /** Whose shared memory it has: the host's, or its own, of a size in MiB. Absent: what the engine does. */
  readonly ipc?: 'host' | { readonly shmMib?: number };
  /** Where the sandbox appears inside the container, e.g. `/mnt/mesos/sandbox`. */
  readonly sandboxMount: string;
}

/**
 * A network that several containers are in: they have one address and reach each other on localhost. It is made with the
 * first of them, outlives each of them, and ends with `release(key)`, or as a stray when `key` is not among what is known.
 */
export interface SharedNetwork {
  readonly key: RunKey;
  readonly network: 'BRIDGE' | { readonly user: string };
  readonly portMappings: DockerSpec['portMappings'];
}

/** A task that runs. The addresses are the container's own, where it has them. */
export interface LaunchedTask {
  readonly pid: number;
  readonly containerId?: string;
  readonly ipAddress?: string;
  readonly ipv6Address?: string;
}

/** Phases with a deadline each; a launch that misses one fails naming it. */
export type LaunchPhase = 'prepare' | 'pull' | 'create' | 'start';

/** Thrown by {@link Launcher.launch}. Nothing of the task is left running. */
export class LaunchError extends Error {
  readonly code = 'LAUNCH_FAILED';
  constructor(
    readonly phase: LaunchPhase,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

export type Reattachment =
  | { readonly kind: 'running'; readonly task: LaunchedTask }
  | { readonly kind: 'exited'; readonly exit: TaskExit }
  /** It was never started, or nothing of it can be found. */
  | { readonly kind: 'gone'; readonly reason: string };

export interface CommandResult {
  readonly exitCode: number;
  /** Combined output, at most 64 KiB. */
  readonly output: string;
}

/** Starts, finds again and ends tasks of one kind. Killing an unknown task is harmless; every method may be repeated. */
export interface Launcher {
  readonly kind: 'process' | 'docker';
  /** Whether it can be used on this host, and why not. `notes` are shown on the agent (no cgroups: no limits). */
  detect(): Promise<
    | { readonly available: true; readonly notes: readonly string[] }
    | { readonly available: false; readonly reason: string }
  >;
  /** `tell` hears what takes time (a pull) and how far that is, at most about once a second. */
  launch(spec: LaunchSpec, tell?: (progress: string) => void): Promise<LaunchedTask>;
  /** After an agent restart: finds the task by what is recorded in its runtime directory. */
  reattach(spec: Pick<LaunchSpec, 'run' | 'runtimeDirectory' | 'sandbox'>): Promise<Reattachment>;
  /** SIGTERM, then after `graceMs` SIGKILL to everything of the task. Resolves once under way; the exit is reported. */
  kill(run: RunKey, options: { readonly graceMs: number }): Promise<void>;
  /** Gives a running task other limits; an unknown one is ignored. Memory is only ever raised by its callers. */
  resize(run: RunKey, limits: TaskLimits): Promise<void>;
  /**
   * Runs a command inside the task (its environment, user, limits, container), for COMMAND checks: a text by `/bin/sh -c`, a
   * list as it is, its first word found on PATH. Rejects at `timeoutMs`, when nothing of it is left.
   */
  execute(
    run: RunKey,
    command: string | readonly string[],
    options: {
      readonly timeoutMs: number;
      /** On top of the task's own. */
      readonly environment?: Readonly<Record<string, string>>;
    },
  ): Promise<CommandResult>;
  /** Connects from inside the network of a running task that has one of its own; absent: its tasks have none. */
  dial?(run: RunKey, ...to: Parameters<Dial>): ReturnType<Dial>;
  /** Frees what the ended task held outside its sandbox: cgroup, container. */
  release(run: RunKey): Promise<void>;
  /** Ends everything of this launcher that belongs to no run in `known`. Returns what it ended. */
  removeStrays(known: ReadonlySet<RunKey>): Promise<readonly string[]>;
  /** Called once for each task that ends, and for each shared network that is gone, under its key. Returns the unsubscriber. */
  onExit(listener: (exit: TaskExit) => void): () => void;
  /** Stops watching; running tasks go on. */
  close(): Promise<void>;
}
