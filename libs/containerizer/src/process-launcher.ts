/** The launcher for tasks without an image: a session, a supervisor and, where allowed, cgroups for each. */
import { chown } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CommandResult,
  ExecError,
  LaunchError,
  type LaunchedTask,
  type Launcher,
  type LaunchSpec,
  type Reattachment,
  type RunKey,
  type SessionHost,
  type TaskExit,
  type TaskLimits,
} from '#core';
import { type AdoptedProcesses, createAdoptedProcesses } from './adopted-processes.js';
import { createBoundedLogs } from './bounded-logs.js';
import { CONTROLLERS, findOwnHierarchies, type Hierarchy } from './cgroup-hierarchies.js';
import { KnownSessions } from './known-sessions.js';
import {
  type LaunchRecord,
  readExitStatus,
  readLaunchRecord,
  readProcesses,
  readRevocation,
  revokeLaunch,
  type TaskProcesses,
  toExitStatus,
  writeLaunchRecord,
} from './launch-record.js';
import { createLaunchSlots, type LaunchSlots } from './launch-slots.js';
import type { LogBounds } from './log-bounds.js';
import { executeBeside } from './process-execute.js';
import { createUserResolver, toArgv, toRlimitCommand, withUser } from './process-invocation.js';
import type { ProcessLauncherOptions } from './process-launcher-options.js';
import { ProcessSessions } from './process-sessions.js';
import {
  createProcessScanner,
  isAlive,
  type ProcessIdentity,
  type ProcessSnapshot,
  readBootId,
  signalProcess,
} from './process-table.js';
import { inTerminal } from './process-terminal.js';
import { endStrays } from './remove-strays.js';
import { ResidentShell, type StartedSupervisor } from './resident-shell.js';
import { toBounds } from './resource-bounds.js';
import { startSupervisor } from './start-supervisor.js';
import { supervisorArguments } from './supervisor-script.js';
import {
  cgroupName,
  cgroupSettings,
  changeLimits,
  countOomKills,
  isSettable,
  makeCgroups,
  removeCgroups,
  removeEmptyFolders,
} from './task-cgroup.js';
import { MARK_VARIABLES, toEnvironment } from './task-environment.js';
import { emptyTask, listTaskProcesses, signalTask, type TaskTraces } from './task-processes.js';

/** Makes the launcher for plain processes. It starts no work before its first call. */
export function createProcessLauncher(options: ProcessLauncherOptions): Launcher & SessionHost {
  return new ProcessLauncher(options);
}

interface RunningTask extends TaskProcesses {
  readonly run: RunKey;
  readonly sandbox: string;
  readonly runtimeDirectory: string;
  readonly hierarchies: readonly Hierarchy[];
  readonly hasTerminal: true | undefined;
  killTimer?: NodeJS.Timeout;
}

const LOG_SWEEP_MS = 10_000;
const ADOPTED_PASS_MS = 1_000;
const RELEASE_ATTEMPTS = 20;
const RELEASE_PAUSE_MS = 25;

class ProcessLauncher implements Launcher, SessionHost {
  readonly kind = 'process';
  private readonly tasks = new Map<RunKey, RunningTask>();
  private readonly launching = new Map<RunKey, Promise<LaunchedTask>>();
  private readonly shell = new ResidentShell();
  private readonly listeners = new Set<(exit: TaskExit) => void>();
  private readonly slots: LaunchSlots;
  private readonly logs: LogBounds;
  private readonly adopted: AdoptedProcesses = createAdoptedProcesses(ADOPTED_PASS_MS);
  private readonly known: KnownSessions;
  private readonly scan: () => Promise<ProcessSnapshot>;
  private readonly resolveUser = createUserResolver();
  private readonly sessions: ProcessSessions;
  private hierarchies: Promise<readonly Hierarchy[]> | undefined;
  private bootId: Promise<string> | undefined;
  private closed = false;

  constructor(private readonly options: ProcessLauncherOptions) {
    this.known = options.knownSessions ?? new KnownSessions();
    this.scan = createProcessScanner(MARK_VARIABLES, this.known);
    this.sessions = new ProcessSessions(options.scope, this.resolveUser, this.known);
    this.slots = createLaunchSlots({
      name: 'launches',
      atOnce: options.launchesAtOnce ?? 16,
      maxWaiting: options.maxWaitingLaunches ?? 10_000,
    });
    this.logs = createBoundedLogs({
      maxBytes: options.maxLogBytes ?? 100 * 1024 * 1024,
      intervalMs: LOG_SWEEP_MS,
    });
  }

  async detect(): ReturnType<Launcher['detect']> {
    if (process.platform !== 'linux') {
      return { available: false, reason: `processes need Linux, this is ${process.platform}` };
    }
    if ((await this.shell.findSetsid()) === undefined) {
      return { available: false, reason: 'setsid (util-linux) is missing' };
    }
    const hierarchies = await this.findHierarchies();
    if (hierarchies.length === 0) {
      const note =
        'no right to make cgroups: tasks have no limits and are killed by session and environment';
      return { available: true, notes: [note] };
    }
    const missing = CONTROLLERS.filter((name) =>
      hierarchies.every(({ controllers }) => !controllers.includes(name)),
    );
    const notes = missing.map((name) => `no cgroup controller "${name}": it is not limited`);
    return { available: true, notes };
  }

  async launch(spec: LaunchSpec): Promise<LaunchedTask> {
    const underWay = this.launching.get(spec.run);
    if (underWay !== undefined) return await underWay;
    const running = this.tasks.get(spec.run);
    if (running !== undefined) return { pid: running.main.pid };
    const launch = this.slots
      .run(async () => await this.launchNow(spec))
      .catch((cause: unknown) => {
        if (cause instanceof LaunchError) throw cause;
        const reason = `task ${spec.taskId}: ${(cause as Error).message}`;
        throw new LaunchError('prepare', reason, { cause });
      })
      .finally(() => this.launching.delete(spec.run));
    this.launching.set(spec.run, launch);
    return await launch;
  }

  async reattach(
    spec: Pick<LaunchSpec, 'run' | 'runtimeDirectory' | 'sandbox'>,
  ): Promise<Reattachment> {
    const running = this.tasks.get(spec.run);
    if (running !== undefined) return { kind: 'running', task: { pid: running.main.pid } };
    const record = readLaunchRecord(spec.runtimeDirectory, spec.run);
    if (record === undefined) return { kind: 'gone', reason: 'it was never started' };
    const revoked = readRevocation(spec.runtimeDirectory);
    if (revoked !== undefined) {
      await emptyTask(this.traces(record));
      return { kind: 'gone', reason: revoked };
    }
    const rebooted = record.bootId !== (await this.readBootId());
    const processes = readProcesses(spec.runtimeDirectory);
    if (processes === undefined) return await this.revokeUnstarted(record, spec.runtimeDirectory);
    const { run, sandbox, runtimeDirectory } = spec;
    const { hierarchies, hasTerminal } = record;
    const task = { run, sandbox, runtimeDirectory, hierarchies, hasTerminal, ...processes };
    if (rebooted) return { kind: 'exited', exit: await this.readEnd(task, 'the host rebooted') };
    if (!isAlive(processes.supervisor) && !isAlive(processes.main)) {
      await emptyTask(this.traces(task, task.supervisor));
      return { kind: 'exited', exit: await this.readEnd(task, 'its supervisor was killed') };
    }
    this.keep(task);
    return { kind: 'running', task: { pid: processes.main.pid } };
  }

  async kill(run: RunKey, { graceMs }: { readonly graceMs: number }): Promise<void> {
    // A kill during the launch must not be lost; a failed launch leaves nothing to kill.
    await this.launching.get(run)?.catch(() => undefined);
    const task = this.tasks.get(run);
    if (task === undefined) return;
    clearTimeout(task.killTimer);
    if (graceMs <= 0) {
      void emptyTask(this.traces(task, task.supervisor)).catch(() => undefined);
      return;
    }
    // What makes a terminal would give the task two seconds of its own.
    const except = task.hasTerminal === true ? task.main.pid : undefined;
    await signalTask(this.traces(task, task.supervisor), 'SIGTERM', except);
    if (this.tasks.get(run) !== task) return;
    task.killTimer = setTimeout(() => {
      // A failed attempt (the process table cannot be read) is repeated by the caller's next kill.
      emptyTask(this.traces(task, task.supervisor)).catch(() => undefined);
    }, graceMs);
  }

  async resize(run: RunKey, limits: TaskLimits): Promise<void> {
    await changeLimits(this.tasks.get(run), limits, this.options);
  }

  async execute(
    run: RunKey,
    command: string | readonly string[],
    options: Parameters<Launcher['execute']>[2],
  ): Promise<CommandResult> {
    const task = this.tasks.get(run);
    if (task === undefined) throw new Error(`task ${run} does not run`);
    const record = readLaunchRecord(task.runtimeDirectory, run);
    if (record === undefined) throw new Error(`task ${run}: its launch record is missing`);
    const user = await this.resolveUser(record.user?.name);
    const traces = this.traces(task, task.supervisor);
    const listProcesses = async () => await listTaskProcesses(traces);
    return await executeBeside({ ...task, record, user, listProcesses }, command, options);
  }

  readonly openSession: SessionHost['openSession'] = async (run, request, listener) => {
    const task = this.tasks.get(run);
    if (task === undefined) throw new ExecError('NOT_RUNNING', `task ${run} does not run`);
    return await this.sessions.open(task, request, listener);
  };

  async release(run: RunKey): Promise<void> {
    if (this.tasks.has(run) || this.launching.has(run)) {
      throw new Error(`task ${run} still runs and cannot be released`);
    }
    const hierarchies = await this.findHierarchies();
    for (let attempt = 0; attempt < RELEASE_ATTEMPTS; attempt += 1) {
      if (await removeCgroups(hierarchies, cgroupName(run))) return;
      await emptyTask(this.traces({ run, hierarchies }));
      await sleep(RELEASE_PAUSE_MS);
    }
    throw new Error(`task ${run}: its cgroup cannot be removed, processes are left in it`);
  }

  async removeStrays(known: ReadonlySet<RunKey>): Promise<readonly string[]> {
    await this.sessions.endLeft();
    const kept = new Set([...known, ...this.tasks.keys(), ...this.launching.keys()]);
    const hierarchies = await this.findHierarchies();
    return await endStrays({ kept, hierarchies, scope: this.options.scope, scan: this.scan });
  }

  onExit(listener: (exit: TaskExit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.sessions.endAll();
    this.logs.close();
    this.adopted.close();
    this.listeners.clear();
    for (const task of this.tasks.values()) clearTimeout(task.killTimer);
    this.shell.close();
    await removeEmptyFolders((await this.hierarchies) ?? []);
  }

  private async launchNow(spec: LaunchSpec): Promise<LaunchedTask> {
    const environment = toEnvironment(spec, this.options.scope);
    const { hasTerminal } = spec;
    const plain = toArgv(spec.command);
    const argv = hasTerminal === true ? await inTerminal(plain, environment) : plain;
    const { user, tool } = await this.resolveUser(spec.user);
    const hierarchies = await this.findHierarchies();
    const name = cgroupName(spec.run);
    const { run, taskId, sandbox, runtimeDirectory } = spec;
    const bootId = await this.readBootId();
    const record: LaunchRecord = {
      ...{ run, taskId, bootId, sandbox, environment, hierarchies, hasTerminal },
      ...(user === undefined ? {} : { user }),
    };
    if (user !== undefined) await chown(sandbox, user.uid, user.gid);
    writeLaunchRecord(runtimeDirectory, record);
    const { capCpu = false, maxProcesses = 4096 } = this.options;
    const limits = { ...toBounds(spec, { capCpu }), maxProcesses };
    const rlimits = await toRlimitCommand(spec.rlimits);
    try {
      makeCgroups(hierarchies, name);
      const settings = cgroupSettings(hierarchies, name, limits).filter(isSettable);
      const title = `pacer-task ${taskId}`;
      const program = {
        shellUser: user === undefined ? ('own' as const) : ('other' as const),
        argv: withUser(user, argv, tool),
        ...{ settings, rlimits },
      };
      const started = await startSupervisor(this.shell, {
        supervisor: (key) =>
          supervisorArguments({ title, key, runtimeDirectory, sandbox, ...program }),
        ...{ runtimeDirectory, sandbox, environment, user },
        timeoutMs: this.options.startTimeoutMs ?? 30_000,
      });
      const { processes } = started;
      const task = { run, sandbox, runtimeDirectory, hierarchies, hasTerminal, ...processes };
      this.keep(task, started);
      return { pid: processes.main.pid };
    } catch (error) {
      await this.undoLaunch(record, runtimeDirectory, (error as Error).message);
      throw error;
    }
  }

  /** Afterwards nothing of it runs, and a later agent finds the launch revoked. */
  private async undoLaunch(record: LaunchRecord, directory: string, reason: string): Promise<void> {
    await revokeLaunch(directory, reason).catch(() => undefined);
    const processes = readProcesses(directory);
    await emptyTask(this.traces(record, processes?.supervisor));
    if (processes !== undefined && isAlive(processes.supervisor)) {
      signalProcess(processes.supervisor.pid, 'SIGKILL');
    }
    await removeCgroups(record.hierarchies, cgroupName(record.run));
  }

  private async revokeUnstarted(record: LaunchRecord, directory: string): Promise<Reattachment> {
    const reason = 'the agent ended before the task was started';
    await revokeLaunch(directory, reason);
    await this.undoLaunch(record, directory, reason);
    return { kind: 'gone', reason };
  }

  /** A supervisor tells its end itself; only when it was killed the shared timer has to notice. */
  private keep(task: RunningTask, started?: StartedSupervisor): void {
    this.tasks.set(task.run, task);
    this.logs.add(task.sandbox);
    this.known.add(task.supervisor);
    let isOver = false;
    const over = (code: number | null): void => {
      if (isOver) return;
      isOver = true;
      this.adopted.unwatch(task.supervisor);
      started?.forget();
      void this.afterSupervisor(task, code);
    };
    this.adopted.watch(task.supervisor, () => over(null));
    void started?.ended.then(over);
  }

  /** The supervisor is gone. If it was killed, the task itself goes on, watched by its own pid. */
  private async afterSupervisor(task: RunningTask, code: number | null): Promise<void> {
    if (this.closed) return;
    if (code === null && isAlive(task.main)) {
      this.adopted.watch(task.main, () => void this.finish(task, null));
      return;
    }
    await this.finish(task, code);
  }

  /** What the main process leaves behind is killed before the end is reported, so its resources are free by then. */
  private async finish(task: RunningTask, code: number | null): Promise<void> {
    clearTimeout(task.killTimer);
    await emptyTask(this.traces(task, task.supervisor)).catch(() => false);
    await this.sessions.endAll(task.run);
    const exit = await this.readEnd(task, 'its supervisor was killed', code);
    if (this.closed) return;
    this.tasks.delete(task.run);
    this.logs.remove(task.sandbox);
    this.known.remove(task.supervisor);
    for (const listener of this.listeners) listener(exit);
  }

  private async readEnd(
    task: RunningTask,
    unknownReason: string,
    code: number | null = null,
  ): Promise<TaskExit> {
    const recorded = code === null ? readExitStatus(task.runtimeDirectory) : undefined;
    const seen = code === null ? recorded : toExitStatus(code);
    const status = seen ?? { kind: 'unknown', reason: unknownReason };
    const failed = status.kind !== 'exited' || status.code !== 0;
    const kills = failed ? await countOomKills(task.hierarchies, cgroupName(task.run)) : 0;
    return { run: task.run, status, oomKilled: kills > 0 };
  }

  private traces(
    { run, hierarchies }: Pick<RunningTask, 'run' | 'hierarchies'>,
    supervisor?: ProcessIdentity,
  ): TaskTraces {
    const known = supervisor === undefined ? {} : { supervisor };
    return { run, hierarchies, scope: this.options.scope, scan: this.scan, ...known };
  }

  private async findHierarchies(): Promise<readonly Hierarchy[]> {
    const { withoutCgroups, cgroupRoot, scope } = this.options;
    if (withoutCgroups === true) return [];
    this.hierarchies ??= findOwnHierarchies(`${cgroupRoot ?? 'pacer'}/${cgroupName(scope)}`);
    return await this.hierarchies;
  }

  private async readBootId(): Promise<string> {
    this.bootId ??= readBootId();
    return await this.bootId;
  }
}
