import {
  type CommandResult,
  type ExitStatus,
  LaunchError,
  type LaunchedTask,
  type Launcher,
  type LaunchSpec,
  type Reattachment,
  type RunKey,
  type TaskExit,
  type TaskId,
  taskId,
  frameworkId as toFrameworkId,
} from '#core';
import type { TaskInfo } from '#mesos-v1';
import { type AgentDoor, type ExecutorWatch, SimulatedExecutor } from './simulated-executor.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { World } from './world.js';

interface HostTask {
  readonly id: TaskId;
  readonly run: RunKey;
  readonly pid: number;
  state: 'starting' | 'running' | 'ended';
  exit?: TaskExit;
  owner?: SimulatedLauncher;
  unhealthyUntilMs: number;
  /** Milliseconds it takes to end after SIGTERM. */
  readonly termMs: number;
  isTerminating: boolean;
  /** Set: it is no process, but a task of this executor, which knows it by this id. */
  readonly inside?: { readonly executor: SimulatedExecutor; readonly wireId: string };
}

/** What a host does about custom executors. */
export interface ExecutorPlace {
  readonly watch: ExecutorWatch;
  readonly door: () => AgentDoor;
  /** Milliseconds after which a task of one is done. */
  readonly durationMs: (task: TaskInfo) => number | undefined;
}

/** What executors are started with. */
export const EXECUTOR_COMMAND = './executor';

const SIGTERM: ExitStatus = { kind: 'signalled', signal: 15 };
const SIGKILL: ExitStatus = { kind: 'signalled', signal: 9 };

/** The processes of one machine. They outlive the agents that started them, as real ones do. */
export class SimulatedHost {
  /** By the name its watch has for a task. */
  readonly tasks = new Map<TaskId, HostTask>();
  readonly executors = new Map<RunKey, SimulatedExecutor>();
  private readonly names = new Map<RunKey, TaskId>();
  /** Rises with each change of what runs. */
  version = 0;
  bootNumber = 1;
  private nextPid = 1000;
  /** Who is told of the ends of executors. */
  private readonly owners = new Map<RunKey, SimulatedLauncher>();

  constructor(
    readonly name: string,
    private readonly world: World,
    private readonly handlers: {
      readonly onStart: (task: TaskId, spec: LaunchSpec) => void;
      /** What a task is called, where several frameworks use one id. */
      readonly nameOf?: (spec: Pick<LaunchSpec, 'taskId' | 'frameworkId'>) => TaskId;
      /** An agent is about to end a process that runs. */
      readonly onEnding: (task: TaskId, how: string) => void;
      /** Milliseconds after which the task is done; absent: it runs until it is ended. */
      readonly durationMs?: (spec: LaunchSpec) => number | undefined;
      /** Absent: nobody launches executors. */
      readonly executors?: ExecutorPlace;
    },
  ) {}

  launcher(process: SimulatedProcess): Launcher {
    const launcher = new SimulatedLauncher(this, process);
    return process.wrap<Launcher>(launcher, {
      label: 'launcher',
      passThrough: ['onExit', 'detect', 'close'],
    });
  }

  running(): readonly TaskId[] {
    return [...this.tasks.values()].filter(({ state }) => state === 'running').map(({ id }) => id);
  }

  liveExecutors(): readonly SimulatedExecutor[] {
    return [...this.executors.values()].filter(({ state }) => state !== 'ended');
  }

  start(spec: LaunchSpec, owner: SimulatedLauncher): Promise<LaunchedTask> {
    const { executors } = this.handlers;
    if (executors !== undefined && spec.command.value === EXECUTOR_COMMAND) {
      return this.startExecutor(spec, owner, executors);
    }
    const id = this.handlers.nameOf?.(spec) ?? spec.taskId;
    const { hosts } = this.world.random;
    const isFaulty = this.world.isFaulty;
    this.handlers.onStart(id, spec);
    this.nextPid += 1;
    const isStubborn = isFaulty && hosts.chance(0.1);
    const task: HostTask = {
      id,
      run: spec.run,
      pid: this.nextPid,
      state: 'starting',
      owner,
      unhealthyUntilMs: 0,
      termMs: isStubborn ? Number.POSITIVE_INFINITY : hosts.between(1, 500),
      isTerminating: false,
    };
    this.tasks.set(id, task);
    this.names.set(spec.run, id);
    const willFail = isFaulty && hosts.chance(0.08);
    const runsForMs =
      isFaulty && hosts.chance(0.15) ? hosts.between(1, 60_000) : Number.POSITIVE_INFINITY;
    const code = hosts.integer(0, 2);
    const doneAfterMs = this.handlers.durationMs?.(spec);
    const startMs =
      isFaulty && hosts.chance(0.05) ? hosts.between(500, 8_000) : hosts.between(1, 80);
    return new Promise((resolve, reject) => {
      this.world.after(startMs, () => {
        if (task.state !== 'starting') return;
        this.version += 1;
        if (willFail) {
          task.state = 'ended';
          reject(new LaunchError('start', `task ${id} cannot be started`));
          return;
        }
        task.state = 'running';
        this.world.trace.add(this.name, `runs ${id}`);
        resolve({ pid: task.pid });
        if (Number.isFinite(runsForMs)) {
          this.world.after(runsForMs, () => this.end(id, { kind: 'exited', code }));
        }
        if (doneAfterMs !== undefined) {
          this.world.after(doneAfterMs, () => this.end(id, { kind: 'exited', code: 0 }));
        }
      });
    });
  }

  private startExecutor(
    spec: LaunchSpec,
    owner: SimulatedLauncher,
    place: ExecutorPlace,
  ): Promise<LaunchedTask> {
    const { frameworkId, run, taskId: executorId } = spec;
    const random = this.world.random.executors;
    this.nextPid += 1;
    const pid = this.nextPid;
    const executor = new SimulatedExecutor(
      run,
      { pid, host: this.name, frameworkId, executorId },
      {
        ...place,
        world: this.world,
        tasks: {
          begin: (within, task) => this.beginWithin(within, task),
          run: (id) => this.runWithin(id),
          end: (id) => this.endWithin(id),
        },
        exited: (one) => {
          this.version += 1;
          if (one.exit !== undefined) this.owners.get(run)?.report(one.exit);
        },
      },
    );
    this.executors.set(run, executor);
    this.owners.set(run, owner);
    place.watch.started(executor);
    const willFail = this.world.isFaulty && random.chance(0.05);
    const saidAfterMs = random.chance(0.3) ? random.between(0, 200) : 0;
    return new Promise((resolve, reject) => {
      this.world.after(random.between(1, 80), () => {
        this.version += 1;
        if (willFail || executor.state !== 'starting') {
          executor.vanish();
          reject(new LaunchError('start', `executor ${executorId} cannot be started`));
          return;
        }
        executor.begin();
        this.world.after(saidAfterMs, () => resolve({ pid }));
      });
    });
  }

  private beginWithin(executor: SimulatedExecutor, task: TaskInfo): TaskId {
    const { frameworkId, pid } = executor.about;
    const wireId = task.task_id.value;
    const about = { taskId: taskId(wireId), frameworkId: toFrameworkId(frameworkId) };
    const id = this.handlers.nameOf?.(about) ?? about.taskId;
    this.tasks.set(id, {
      ...{ id, pid, run: executor.run, state: 'starting', inside: { executor, wireId } },
      ...{ unhealthyUntilMs: 0, termMs: 0, isTerminating: false },
    });
    return id;
  }

  private runWithin(id: TaskId): void {
    const task = this.tasks.get(id);
    if (task === undefined) return;
    task.state = 'running';
    this.version += 1;
    this.world.trace.add(this.name, `runs ${id}`);
  }

  private endWithin(id: TaskId): void {
    const task = this.tasks.get(id);
    if (task === undefined || task.state === 'ended') return;
    task.state = 'ended';
    this.version += 1;
    this.world.trace.add(this.name, `ended ${id}`);
  }

  end(id: TaskId, status: ExitStatus): void {
    const task = this.tasks.get(id);
    if (task?.state !== 'running') return;
    if (task.inside !== undefined) {
      task.inside.executor.endTask(task.inside.wireId, 'TASK_FAILED');
      return;
    }
    task.state = 'ended';
    task.exit = { run: task.run, status, oomKilled: false };
    this.version += 1;
    this.world.trace.add(this.name, `ended ${id} ${status.kind}`);
    task.owner?.report(task.exit);
  }

  /** From now on this one is told of its end. */
  adopt(run: RunKey, owner: SimulatedLauncher): SimulatedExecutor | undefined {
    const executor = this.executors.get(run);
    if (executor?.state === 'starting') executor.vanish();
    if (executor !== undefined) this.owners.set(run, owner);
    return executor;
  }

  find(run: RunKey): HostTask | undefined {
    const id = this.names.get(run);
    const task = id === undefined ? undefined : this.tasks.get(id);
    return task?.run === run ? task : undefined;
  }

  terminate(id: TaskId, graceMs: number): void {
    const task = this.tasks.get(id);
    if (task === undefined || task.state === 'ended') return;
    if (task.state === 'starting') {
      this.world.after(100, () => this.terminate(id, graceMs));
      return;
    }
    this.handlers.onEnding(id, 'kill');
    if (graceMs === 0) this.world.after(1, () => this.end(id, SIGKILL));
    if (task.isTerminating) return;
    task.isTerminating = true;
    const isGraceful = task.termMs <= graceMs;
    this.world.after(Math.min(task.termMs, graceMs), () =>
      this.end(id, isGraceful ? SIGTERM : SIGKILL),
    );
  }

  /** An agent finds an executor it knows nothing of. */
  removeStrayExecutor(executor: SimulatedExecutor): void {
    this.handlers.executors?.watch.ending(executor, 'nothing is known of it');
    executor.vanish();
  }

  /** An agent finds a process it knows nothing of. */
  removeStray(id: TaskId): void {
    const task = this.tasks.get(id);
    if (task === undefined) return;
    if (task.state === 'running') this.handlers.onEnding(id, 'nothing is known of it');
    task.state = 'ended';
  }

  /** The machine goes down: every process is gone and nobody saw how. */
  crash(): void {
    this.version += 1;
    this.bootNumber += 1;
    for (const executor of this.executors.values()) executor.vanish();
    for (const task of this.tasks.values()) task.state = 'ended';
    this.world.trace.add(this.name, 'crashes with all its tasks');
  }
}

class SimulatedLauncher implements Launcher {
  readonly kind = 'process';
  private readonly listeners = new Set<(exit: TaskExit) => void>();

  constructor(
    private readonly host: SimulatedHost,
    private readonly process: SimulatedProcess,
  ) {}

  report(exit: TaskExit): void {
    this.process.enter(() => {
      for (const listener of this.listeners) listener(exit);
    });
  }

  async detect(): ReturnType<Launcher['detect']> {
    return { available: true, notes: [] };
  }

  launch(spec: LaunchSpec): Promise<LaunchedTask> {
    return this.host.start(spec, this);
  }

  async reattach(spec: { readonly run: RunKey }): Promise<Reattachment> {
    const executor = this.host.adopt(spec.run, this);
    if (executor?.state === 'running') {
      return { kind: 'running', task: { pid: executor.about.pid } };
    }
    if (executor?.exit !== undefined) return { kind: 'exited', exit: executor.exit };
    const task = this.host.find(spec.run);
    if (task?.state === 'starting') task.state = 'ended';
    if (task?.state === 'running') {
      task.owner = this;
      return { kind: 'running', task: { pid: task.pid } };
    }
    if (task?.exit !== undefined) return { kind: 'exited', exit: task.exit };
    return { kind: 'gone', reason: 'nothing of it was found' };
  }

  async kill(run: RunKey, options: { readonly graceMs: number }): Promise<void> {
    this.host.executors.get(run)?.terminate(options.graceMs);
    const task = this.host.find(run);
    if (task !== undefined) this.host.terminate(task.id, options.graceMs);
  }

  async resize(): Promise<void> {}

  async execute(): Promise<CommandResult> {
    return { exitCode: 0, output: '' };
  }

  async release(): Promise<void> {}

  async removeStrays(known: ReadonlySet<RunKey>): Promise<readonly string[]> {
    const strays = [...this.host.tasks.values()].filter(
      ({ run, state, inside }) => inside === undefined && state !== 'ended' && !known.has(run),
    );
    const executors = this.host.liveExecutors().filter(({ run }) => !known.has(run));
    for (const stray of strays) this.host.removeStray(stray.id);
    for (const stray of executors) this.host.removeStrayExecutor(stray);
    if (strays.length + executors.length > 0) this.host.version += 1;
    return [...strays.map(({ id }) => id), ...executors.map(({ name }) => name)];
  }

  onExit(listener: (exit: TaskExit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.listeners.clear();
  }
}
