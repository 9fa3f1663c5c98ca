import {
  type Clock,
  type CommandResult,
  type ExitStatus,
  LaunchError,
  type LaunchedTask,
  type Launcher,
  type LaunchPhase,
  type LaunchSpec,
  type Reattachment,
  type RunKey,
  type TaskExit,
  type TaskId,
} from '#core';

/** What a task does on the virtual host. Everything left out has a quiet default. */
export interface VirtualBehaviour {
  /** From launch to running; default 1 ms. */
  readonly startMs?: number;
  /** The launch fails after `startMs` instead. */
  readonly failsIn?: LaunchPhase;
  /** Ends by itself this long after it runs; default never. */
  readonly runsForMs?: number;
  /** How it ends by itself; default exit code 0. */
  readonly exit?: ExitStatus;
  /** Ends by itself at its memory limit. */
  readonly oomKilled?: boolean;
  /** From SIGTERM to its end; default 1 ms. `never` ignores it until SIGKILL. */
  readonly termMs?: number | 'never';
  /** What a command inside it returns; default exit code 0 without output. */
  readonly execute?: (command: string | readonly string[]) => CommandResult;
}

export interface VirtualHostOptions {
  readonly clock: Clock;
  readonly kind?: Launcher['kind'];
  readonly behaviour?: (spec: LaunchSpec) => VirtualBehaviour;
}

interface VirtualTask {
  readonly spec: LaunchSpec;
  readonly pid: number;
  readonly behaviour: VirtualBehaviour;
  state: 'starting' | 'running' | 'ended' | 'revoked';
  exit?: TaskExit;
  readonly cancellations: (() => void)[];
}

const FIRST_PID = 1000;
const SIGKILLED: ExitStatus = { kind: 'exited-or-signalled', code: 137, signal: 9 };
const SIGTERMED: ExitStatus = { kind: 'exited-or-signalled', code: 143, signal: 15 };

/**
 * A host whose tasks live on a virtual clock and outlive the launchers made for it: each restarted agent takes a new
 * launcher. A launcher that was closed (the agent is dead) hears and reports nothing more.
 */
export class VirtualHost {
  private readonly tasks = new Map<RunKey, VirtualTask>();
  private readonly ends = new Set<(exit: TaskExit) => void>();
  private nextPid = FIRST_PID;

  constructor(readonly options: VirtualHostOptions) {}

  launcher(): Launcher {
    return new VirtualLauncher(this, this.options.kind ?? 'process');
  }

  /** Ids of what runs now, for assertions; in launch order. */
  runningTasks(): readonly TaskId[] {
    return [...this.tasks.values()]
      .filter(({ state }) => state === 'running')
      .map(({ spec }) => spec.taskId);
  }

  /** Ends a running task as if by itself. */
  end(run: RunKey, status: ExitStatus = { kind: 'exited', code: 0 }): void {
    this.finish(run, { run, status, oomKilled: false });
  }

  /** All processes are gone and nobody saw how. */
  reboot(): void {
    const status: ExitStatus = { kind: 'unknown', reason: 'the host rebooted' };
    for (const task of this.tasks.values()) {
      for (const cancel of task.cancellations.splice(0)) cancel();
      if (task.state === 'starting') task.state = 'revoked';
      if (task.state !== 'running') continue;
      task.state = 'ended';
      task.exit = { run: task.spec.run, status, oomKilled: false };
    }
  }

  /** @internal for VirtualLauncher */
  find(run: RunKey): VirtualTask | undefined {
    return this.tasks.get(run);
  }

  /** @internal for VirtualLauncher */
  list(): readonly VirtualTask[] {
    return [...this.tasks.values()];
  }

  /** @internal for VirtualLauncher */
  onEnd(listener: (exit: TaskExit) => void): () => void {
    this.ends.add(listener);
    return () => this.ends.delete(listener);
  }

  /** @internal for VirtualLauncher */
  async start(spec: LaunchSpec): Promise<LaunchedTask> {
    if (this.tasks.has(spec.run)) {
      throw new LaunchError('prepare', `task ${spec.taskId} was launched before`);
    }
    const behaviour = this.options.behaviour?.(spec) ?? {};
    const pid = this.nextPid;
    this.nextPid += 1;
    const task: VirtualTask = { spec, pid, behaviour, state: 'starting', cancellations: [] };
    this.tasks.set(spec.run, task);
    return await new Promise<LaunchedTask>((resolve, reject) => {
      this.later(task, behaviour.startMs ?? 1, () => {
        if (task.state !== 'starting' || behaviour.failsIn !== undefined) {
          task.state = 'revoked';
          const phase = behaviour.failsIn ?? 'start';
          reject(new LaunchError(phase, `task ${spec.taskId}: virtual failure to ${phase}`));
          return;
        }
        this.run(task);
        resolve(toLaunched(task));
      });
    });
  }

  /** @internal for VirtualLauncher */
  kill(id: RunKey, graceMs: number): void {
    const task = this.tasks.get(id);
    if (task?.state !== 'running') return;
    const { termMs = 1 } = task.behaviour;
    const terminates = termMs !== 'never' && termMs <= graceMs;
    const [delayMs, status] = terminates ? [termMs, SIGTERMED] : [graceMs, SIGKILLED];
    const exit = { run: id, status, oomKilled: false };
    this.later(task, delayMs, () => this.finish(id, exit));
  }

  /** @internal for VirtualLauncher */
  remove(id: RunKey): void {
    const task = this.tasks.get(id);
    if (task === undefined) return;
    for (const cancel of task.cancellations.splice(0)) cancel();
    this.tasks.delete(id);
  }

  private run(task: VirtualTask): void {
    task.state = 'running';
    const { runsForMs, exit: status = { kind: 'exited', code: 0 }, oomKilled } = task.behaviour;
    if (runsForMs === undefined) return;
    const { run } = task.spec;
    const exit = { run, status, oomKilled: oomKilled ?? false };
    this.later(task, runsForMs, () => this.finish(run, exit));
  }

  private finish(id: RunKey, exit: TaskExit): void {
    const task = this.tasks.get(id);
    if (task?.state !== 'running') return;
    for (const cancel of task.cancellations.splice(0)) cancel();
    task.state = 'ended';
    task.exit = exit;
    for (const listener of [...this.ends]) listener(exit);
  }

  private later(task: VirtualTask, delayMs: number, action: () => void): void {
    task.cancellations.push(this.options.clock.schedule(delayMs, action));
  }
}

class VirtualLauncher implements Launcher {
  private readonly listeners = new Set<(exit: TaskExit) => void>();
  /** Only ends of tasks this launcher has started or found again are reported by it. */
  private readonly mine = new Set<RunKey>();
  private readonly launching = new Map<RunKey, Promise<LaunchedTask>>();
  private readonly unsubscribe: () => void;

  constructor(
    private readonly host: VirtualHost,
    readonly kind: Launcher['kind'],
  ) {
    this.unsubscribe = host.onEnd((exit) => {
      if (!this.mine.delete(exit.run)) return;
      for (const listener of [...this.listeners]) listener(exit);
    });
  }

  async detect(): ReturnType<Launcher['detect']> {
    return { available: true, notes: [] };
  }

  async launch(spec: LaunchSpec): Promise<LaunchedTask> {
    const underWay = this.launching.get(spec.run);
    if (underWay !== undefined) return await underWay;
    const task = this.host.find(spec.run);
    if (task?.state === 'running' && this.mine.has(spec.run)) return toLaunched(task);
    const launch = this.host.start(spec);
    this.mine.add(spec.run);
    this.launching.set(spec.run, launch);
    try {
      return await launch;
    } catch (error) {
      this.mine.delete(spec.run);
      throw error;
    } finally {
      this.launching.delete(spec.run);
    }
  }

  async reattach(
    spec: Pick<LaunchSpec, 'run' | 'runtimeDirectory' | 'sandbox'>,
  ): Promise<Reattachment> {
    const task = this.host.find(spec.run);
    if (task === undefined) return { kind: 'gone', reason: 'it was never started' };
    if (task.state === 'starting') task.state = 'revoked';
    if (task.state === 'revoked') return { kind: 'gone', reason: 'its launch was interrupted' };
    if (task.exit !== undefined) return { kind: 'exited', exit: task.exit };
    this.mine.add(spec.run);
    return { kind: 'running', task: toLaunched(task) };
  }

  async kill(run: RunKey, { graceMs }: { readonly graceMs: number }): Promise<void> {
    await this.launching.get(run)?.catch(() => undefined);
    this.host.kill(run, graceMs);
  }

  async resize(): Promise<void> {}

  async execute(run: RunKey, command: string | readonly string[]): Promise<CommandResult> {
    const found = this.host.find(run);
    if (found?.state !== 'running') throw new Error(`task ${run} does not run`);
    return found.behaviour.execute?.(command) ?? { exitCode: 0, output: '' };
  }

  async release(run: RunKey): Promise<void> {
    const state = this.host.find(run)?.state;
    if (state === 'starting' || state === 'running') {
      throw new Error(`task ${run} still runs and cannot be released`);
    }
  }

  async removeStrays(known: ReadonlySet<RunKey>): Promise<readonly string[]> {
    const strays = this.host
      .list()
      .filter(({ state }) => state === 'running' || state === 'starting')
      .map(({ spec }) => spec.run)
      .filter((id) => !known.has(id) && !this.mine.has(id));
    for (const id of strays) this.host.remove(id);
    return strays;
  }

  onExit(listener: (exit: TaskExit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.unsubscribe();
    this.listeners.clear();
  }
}

function toLaunched({ pid, spec }: VirtualTask): LaunchedTask {
  if (spec.docker === undefined) return { pid };
  const ipAddress = `172.17.${Math.floor(pid / 250) % 250}.${(pid % 250) + 2}`;
  const { network } = spec.docker;
  const containerId = `virtual-${pid}`;
  return network === 'HOST' || network === 'NONE'
    ? { pid, containerId }
    : { pid, containerId, ipAddress };
}
