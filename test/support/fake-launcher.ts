import {
  type CommandResult,
  LaunchError,
  type LaunchedTask,
  type Launcher,
  type LaunchSpec,
  type Reattachment,
  type RunKey,
  type TaskExit,
  type TaskLimits,
} from '#core';

/** Processes in memory; they outlive the engines that started them, as real ones do. */
export class FakeHost {
  readonly running = new Map<RunKey, LaunchedTask>();
  readonly exits = new Map<RunKey, TaskExit>();
  /** Task ids in the order in which runs of them were started. */
  readonly starts: string[] = [];
  /** The task of each run ever started, oldest first. */
  private readonly runs = new Map<RunKey, string>();
  private nextPid = 1000;

  start({ run, taskId }: { readonly run: RunKey; readonly taskId: string }): LaunchedTask {
    this.nextPid += 1;
    const launched = { pid: this.nextPid };
    this.running.set(run, launched);
    this.starts.push(taskId);
    this.runs.set(run, taskId);
    return launched;
  }

  /** A process that an earlier life of the agent has started. */
  adopt(run: RunKey, taskId: string, pid: number): void {
    this.nextPid = Math.max(this.nextPid, pid);
    this.running.set(run, { pid });
    this.runs.set(run, taskId);
  }

  startsOf(taskId: string): number {
    return this.starts.filter((one) => one === taskId).length;
  }

  /** Task ids of what runs. */
  runningTasks(): readonly string[] {
    return [...this.running.keys()].map((run) => this.runs.get(run) ?? run);
  }

  /** The newest run of a task. */
  runOf(taskId: string): RunKey {
    const [run] = [...this.runs].findLast(([, task]) => task === taskId) ?? [];
    if (run === undefined) throw new Error(`task ${taskId} was never started`);
    return run;
  }

  /** Ends a task's process; whoever watches is told by the launcher. */
  end(run: RunKey, status: TaskExit['status'], oomKilled = false): TaskExit {
    const exit: TaskExit = { run, status, oomKilled };
    this.running.delete(run);
    this.exits.set(run, exit);
    return exit;
  }
}

/** A launcher over a {@link FakeHost}; SIGTERM ends a task at once. */
export class FakeLauncher implements Launcher {
  /** The next launch fails with this. */
  failure: string | undefined;
  /** Launches wait until `open` is called. */
  isHeld = false;
  isAvailable = true;
  launchesAtOnce = 0;
  highestLaunchesAtOnce = 0;
  private readonly held: (() => void)[] = [];
  private readonly listeners = new Set<(exit: TaskExit) => void>();

  constructor(
    readonly host: FakeHost,
    readonly kind: 'process' | 'docker' = 'process',
  ) {}

  async detect(): ReturnType<Launcher['detect']> {
    return this.isAvailable
      ? { available: true, notes: [] }
      : { available: false, reason: 'no engine answers' };
  }

  async launch(spec: LaunchSpec): Promise<LaunchedTask> {
    this.launchesAtOnce += 1;
    this.highestLaunchesAtOnce = Math.max(this.highestLaunchesAtOnce, this.launchesAtOnce);
    if (this.isHeld) await new Promise<void>((resolve) => this.held.push(resolve));
    this.launchesAtOnce -= 1;
    if (this.failure !== undefined) throw new LaunchError('start', this.failure);
    return this.host.start(spec);
  }

  async reattach(spec: { readonly run: RunKey }): Promise<Reattachment> {
    const task = this.host.running.get(spec.run);
    if (task !== undefined) return { kind: 'running', task };
    const exit = this.host.exits.get(spec.run);
    return exit === undefined
      ? { kind: 'gone', reason: 'nothing of it was found' }
      : { kind: 'exited', exit };
  }

  async kill(run: RunKey): Promise<void> {
    if (this.host.running.has(run)) this.endRun(run, { kind: 'signalled', signal: 15 });
  }

  /** Newest last. */
  readonly resizes: {
    readonly run: RunKey;
    readonly memMib: number;
    readonly cpuMillis: number;
  }[] = [];

  async resize(run: RunKey, limits: TaskLimits): Promise<void> {
    this.resizes.push({ run, ...limits });
  }

  async execute(): Promise<CommandResult> {
    return { exitCode: 0, output: '' };
  }

  async release(): Promise<void> {}

  async removeStrays(known: ReadonlySet<RunKey>): Promise<readonly string[]> {
    const strays = [...this.host.running.keys()].filter((run) => !known.has(run));
    for (const stray of strays) this.host.running.delete(stray);
    return strays;
  }

  onExit(listener: (exit: TaskExit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.listeners.clear();
  }

  /** Ends the newest run of a task as if by itself. */
  end(taskId: string, status: TaskExit['status'], oomKilled = false): void {
    this.endRun(this.host.runOf(taskId), status, oomKilled);
  }

  private endRun(run: RunKey, status: TaskExit['status'], oomKilled = false): void {
    const exit = this.host.end(run, status, oomKilled);
    for (const listener of this.listeners) listener(exit);
  }

  open(): void {
    this.isHeld = false;
    for (const go of this.held.splice(0)) go();
  }
}
