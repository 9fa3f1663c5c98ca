import {
  type CommandResult,
  LaunchError,
  type LaunchedTask,
  type Launcher,
  type LaunchSpec,
  type Reattachment,
  type TaskExit,
  type TaskId,
} from '#core';

/** Processes in memory; they outlive the engines that started them, as real ones do. */
export class FakeHost {
  readonly running = new Map<TaskId, LaunchedTask>();
  readonly exits = new Map<TaskId, TaskExit>();
  /** How often each task was started; never above 1. */
  readonly starts = new Map<TaskId, number>();
  private nextPid = 1000;

  start(task: TaskId): LaunchedTask {
    this.nextPid += 1;
    const launched = { pid: this.nextPid };
    this.running.set(task, launched);
    this.starts.set(task, (this.starts.get(task) ?? 0) + 1);
    return launched;
  }

  /** Ends a task's process; whoever watches is told by the launcher. */
  end(task: TaskId, status: TaskExit['status'], oomKilled = false): TaskExit {
    const exit: TaskExit = { taskId: task, status, oomKilled };
    this.running.delete(task);
    this.exits.set(task, exit);
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
    return this.host.start(spec.taskId);
  }

  async reattach(spec: { readonly taskId: TaskId }): Promise<Reattachment> {
    const task = this.host.running.get(spec.taskId);
    if (task !== undefined) return { kind: 'running', task };
    const exit = this.host.exits.get(spec.taskId);
    return exit === undefined
      ? { kind: 'gone', reason: 'nothing of it was found' }
      : { kind: 'exited', exit };
  }

  async kill(task: TaskId): Promise<void> {
    if (this.host.running.has(task)) this.end(task, { kind: 'signalled', signal: 15 });
  }

  async execute(): Promise<CommandResult> {
    return { exitCode: 0, output: '' };
  }

  async release(): Promise<void> {}

  async removeStrays(known: ReadonlySet<TaskId>): Promise<readonly string[]> {
    const strays = [...this.host.running.keys()].filter((task) => !known.has(task));
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

  /** Ends a task as if by itself. */
  end(task: TaskId, status: TaskExit['status'], oomKilled = false): void {
    const exit = this.host.end(task, status, oomKilled);
    for (const listener of this.listeners) listener(exit);
  }

  open(): void {
    this.isHeld = false;
    for (const go of this.held.splice(0)) go();
  }
}
