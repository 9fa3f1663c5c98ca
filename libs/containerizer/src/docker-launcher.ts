/** The launcher for tasks with an image: one container each, found again by its labels. */
import { closeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
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
import { withinPhase } from './deadline.js';
import { dialInside, isOfContainer } from './dial-inside.js';
import { connectEngine, detectEngine } from './docker-connection.js';
import {
  containerName,
  networkOfLabels,
  runOfLabels,
  toContainerConfig,
} from './docker-container-config.js';
import {
  awaitExit,
  CALL_ATTEMPTS,
  FIRST_PAUSE_MS,
  isOver,
  removeContainer,
  resizeContainer,
  signalContainer,
  toExit,
  withTimeout,
} from './docker-containers.js';
import {
  type ContainerCreation,
  type CreatedContainer,
  createContainerCreation,
  type LaunchCourse,
} from './docker-creation.js';
import { createEngineEvents, type EngineEvents } from './docker-events.js';
import { executeInContainer } from './docker-execute.js';
import { createImagePuller, type ImagePuller } from './docker-images.js';
import type { DockerLauncherOptions } from './docker-launcher-options.js';
import { beginLogs } from './docker-log-copy.js';
import { createLogKeeper, type LogKeeper } from './docker-log-keeper.js';
import { findOwnContainer, listOwnContainers } from './docker-own-containers.js';
import { DockerSessions } from './docker-sessions.js';
import {
  createSharedNetworks,
  type SharedNetworks,
  sharedKeyOf,
} from './docker-shared-networks.js';
import {
  applyState,
  type ContainerTask,
  type Launching,
  type Place,
  STARTED_FILE,
  toTask,
  withCause,
  withoutContainer,
} from './docker-task.js';
import { createImageCollector, type ImageCollector } from './image-collector.js';
import { openImageRecords } from './image-records.js';
import { KnownSessions } from './known-sessions.js';
import { createLaunchSlots, type LaunchSlots } from './launch-slots.js';
import { openLogFiles } from './log-file.js';
import { executionArgv } from './process-invocation.js';
import { requirePassableVariables } from './task-environment.js';

/** Makes the launcher for containers. It connects to the engine with its first call. */
export function createDockerLauncher(options: DockerLauncherOptions): Launcher & SessionHost {
  return new DockerLauncher(options);
}

const MAX_WAITING_LAUNCHES = 10_000;
const RESYNC_MS = 30_000;

class DockerLauncher implements Launcher, SessionHost {
  readonly kind = 'docker';
  private readonly docker: Dockerode;
  private readonly tasks = new Map<RunKey, ContainerTask>();
  private readonly launching = new Map<RunKey, Launching>();
  private readonly listeners = new Set<(exit: TaskExit) => void>();
  private readonly events: EngineEvents;
  private readonly images: ImagePuller;
  private readonly collector: ImageCollector | undefined;
  private readonly logs: LogKeeper;
  private readonly creation: ContainerCreation;
  private readonly networks: SharedNetworks;
  private readonly starts: LaunchSlots;
  private readonly sessions: DockerSessions;
  private readonly resyncs: NodeJS.Timeout;
  private closed = false;

  constructor(private readonly options: DockerLauncherOptions) {
    const { socketPath, scope } = options;
    this.docker = connectEngine(socketPath);
    const { imageRecords: file, imageBounds: bounds, log = () => undefined } = options;
    const records = file === undefined ? undefined : openImageRecords(file);
    this.images = createImagePuller(this.docker, records);
    if (records !== undefined && bounds !== undefined) {
      const { docker, images } = this;
      this.collector = createImageCollector({ docker, images, records, bounds, log });
    }
    this.sessions = new DockerSessions(scope, options.knownSessions ?? new KnownSessions());
    this.logs = createLogKeeper({ maxBytes: options.maxLogBytes ?? 100 * 1024 * 1024 });
    this.events = createEngineEvents({
      ...{
        docker: this.docker,
        scope,
        resync: async () => await this.resync({ lost: this.events.lostCount > 0 }),
      },
      onDeath: ({ run, containerId, exitCode }) => {
        const known = this.tasks.get(run);
        if (known?.container.id === containerId) void this.finish(known, { exitCode });
        this.networks.noteDeath(run, containerId);
      },
      onSignal: ({ run, containerId }) => {
        const known = this.tasks.get(run);
        if (known?.container.id === containerId) known.wasSignalled = true;
      },
    });
    this.networks = createSharedNetworks({
      ...{ docker: this.docker, scope, publishAddress: options.publishAddress },
      onGone: (exit) => this.tell(exit),
    });
    // Events can be missed. A failure is made good by the next time.
    const resync = (): void => void this.resync({ lost: false }).catch(() => undefined);
    this.resyncs = setInterval(resync, options.resyncMs ?? RESYNC_MS).unref();
    const maxWaiting = MAX_WAITING_LAUNCHES;
    const { docker, images, events, networks } = this;
    const { seccompDirectory, launchesAtOnce: atOnce = 4 } = options;
    this.creation = createContainerCreation({
      ...{ docker, images, events, networks, maxWaitingPulls: maxWaiting, seccompDirectory },
      pullTimeoutMs: options.pullTimeoutMs ?? 600_000,
      createTimeoutMs: options.createTimeoutMs ?? 60_000,
    });
    this.starts = createLaunchSlots({ name: 'launches', atOnce, maxWaiting });
  }

  async detect(): ReturnType<Launcher['detect']> {
    return await detectEngine(this.docker);
  }

  async launch(spec: LaunchSpec, tell?: (progress: string) => void): Promise<LaunchedTask> {
    const underWay = this.launching.get(spec.run);
    if (underWay !== undefined) return await underWay.launch;
    const running = this.tasks.get(spec.run);
    if (running !== undefined) return running.launched;
    const cancel = new AbortController();
    const launch = this.launchNow(spec, { cancel: cancel.signal, tell })
      .catch((cause: unknown) => {
        if (cause instanceof LaunchError) throw cause;
        const reason = `task ${spec.taskId}: ${(cause as Error).message}`;
        throw new LaunchError('prepare', reason, { cause });
      })
      .finally(() => this.launching.delete(spec.run));
    this.launching.set(spec.run, { launch, cancel, network: sharedKeyOf(spec) });
    return await launch;
  }

  async reattach(place: Place): Promise<Reattachment> {
    const known = this.tasks.get(place.run);
    if (known !== undefined) return { kind: 'running', task: known.launched };
    const found = await findOwnContainer(this.docker, this.options.scope, place.run);
    if (found === undefined) return await withoutContainer(place);
    const state = await found.inspect(withTimeout());
    if (state.State.Status === 'created') {
      await removeContainer(found);
      return { kind: 'gone', reason: 'the agent ended before the container was started' };
    }
    const key = networkOfLabels(state.Config.Labels);
    const task = toTask(place, found, { ready: Promise.resolve(), network: key });
    if (!isOver(state)) {
      const network = await this.networks.adopt(key);
      applyState(task, state, network);
      this.keep(task);
      // Not waited for: once it stands everything is compared anyway.
      void this.events.start();
      return { kind: 'running', task: task.launched };
    }
    await this.logs.copyRest(task);
    return { kind: 'exited', exit: toExit(task.run, state) };
  }

  async kill(run: RunKey, { graceMs }: { readonly graceMs: number }): Promise<void> {
    const underWay = this.launching.get(run);
    if (underWay !== undefined) {
      underWay.cancel.abort();
      await underWay.launch.catch(() => undefined);
    }
    const task = this.tasks.get(run);
    if (task === undefined) return;
    clearTimeout(task.killTimer);
    if (graceMs <= 0) {
      void this.killHard(task);
      return;
    }
    if (!(await signalContainer(task.container, task.stopSignal))) void this.finish(task);
    if (this.tasks.get(run) !== task) return;
    task.killTimer = setTimeout(() => void this.killHard(task), graceMs);
  }

  async resize(run: RunKey, limits: TaskLimits): Promise<void> {
    const container = this.tasks.get(run)?.container;
    if (container !== undefined) await resizeContainer(container, limits, this.options);
  }

  async execute(
    run: RunKey,
    command: string | readonly string[],
    { timeoutMs, environment = {} }: Parameters<Launcher['execute']>[2],
  ): Promise<CommandResult> {
    const task = this.tasks.get(run);
    if (task === undefined) throw new Error(`task ${run} does not run`);
    const argv = executionArgv(command);
    requirePassableVariables(environment);
    return await executeInContainer(task.container, { argv, environment, timeoutMs });
  }

  readonly openSession: SessionHost['openSession'] = async (run, request, listener) => {
    const task = this.tasks.get(run);
    if (task === undefined) throw new ExecError('NOT_RUNNING', `task ${run} does not run`);
    return await this.sessions.open(task, request, listener);
  };

  readonly dial: NonNullable<Launcher['dial']> = async (run, to, signal) => {
    const { pid = 0, containerId = '' } = this.tasks.get(run)?.launched ?? {};
    return await dialInside({ pid, belongs: () => isOfContainer(pid, containerId) }, to, signal);
  };

  async release(run: RunKey): Promise<void> {
    if (this.tasks.has(run) || this.launching.has(run)) {
      throw new Error(`task ${run} still runs and cannot be released`);
    }
    await this.networks.forget(run);
    await removeContainer(this.docker.getContainer(containerName(this.options.scope, run)));
  }

  async removeStrays(known: ReadonlySet<RunKey>): Promise<readonly string[]> {
    await this.sessions.endLeft();
    const removed: string[] = [];
    for (const { Id, Labels } of await listOwnContainers(this.docker, this.options.scope)) {
      const run = runOfLabels(Labels);
      const used = [...this.launching, ...this.tasks].flatMap(([key, one]) => [key, one.network]);
      if (run !== undefined && (known.has(run) || used.includes(run))) continue;
      if (run !== undefined) await this.networks.forget(run);
      await removeContainer(this.docker.getContainer(Id));
      removed.push(run ?? Id);
    }
    return removed;
  }

  onExit(listener: (exit: TaskExit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.sessions.endAll();
    clearInterval(this.resyncs);
    this.collector?.close();
    this.events.close();
    this.listeners.clear();
    for (const task of this.tasks.values()) clearTimeout(task.killTimer);
    await this.logs.close();
  }

  private async launchNow(spec: LaunchSpec, { cancel, tell }: LaunchCourse): Promise<LaunchedTask> {
    const { scope, maxProcesses = 4096, capCpu = false, publishAddress } = this.options;
    const config = toContainerConfig(spec, {
      ...{ scope, maxProcesses, capCpu },
      ...(publishAddress === undefined ? {} : { publishAddress }),
    });
    // Its output could not be kept: better said now than with empty logs.
    for (const descriptor of openLogFiles(spec.sandbox)) closeSync(descriptor);
    const letGo = this.images.hold(config.Image ?? '');
    try {
      await this.creation.pull(spec, { cancel, tell });
      return await this.starts.run(async () => {
        const made = await this.creation.create(spec, config, { cancel, tell });
        return await this.start(spec, made, cancel);
      });
    } finally {
      letGo();
    }
  }

  private async start(
    spec: LaunchSpec,
    made: CreatedContainer,
    cancel: AbortSignal,
  ): Promise<LaunchedTask> {
    const { container, network } = made;
    const { startTimeoutMs: timeoutMs = 60_000 } = this.options;
    let settle = (): void => undefined;
    const ready = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const task = toTask(spec, container, { ready, network: sharedKeyOf(spec) });
    // Known before it runs, so that an end in the very first moment is not missed.
    this.tasks.set(spec.run, task);
    try {
      const state = await withinPhase('start', { timeoutMs, cancel }, async (abortSignal) => {
        await beginLogs(spec);
        await container.start({ abortSignal });
        await writeFile(join(spec.runtimeDirectory, STARTED_FILE), container.id);
        return await container.inspect({ abortSignal });
      });
      applyState(task, state, network);
      this.keep(task);
      if (isOver(state)) void this.finish(task);
      return task.launched;
    } catch (error) {
      this.tasks.delete(spec.run);
      task.isEnding = true;
      await removeContainer(container);
      throw error;
    } finally {
      settle();
    }
  }

  private keep(task: ContainerTask): void {
    this.tasks.set(task.run, task);
    this.logs.follow(task);
  }

  /** Compares what we know with what the engine has: after the event stream was (re)connected, and now and then. */
  private async resync({ lost }: { readonly lost: boolean }): Promise<void> {
    // Only what was known before the engine answers: a container made meanwhile is not in its list.
    const known = [...this.tasks.values()];
    const networks = this.networks.known();
    if (known.length + networks.size === 0) return;
    const states = new Map(
      (await listOwnContainers(this.docker, this.options.scope)).map(({ Id, State }) => [
        Id,
        State,
      ]),
    );
    this.networks.compare(states, networks);
    for (const task of known) {
      if (this.tasks.get(task.run) !== task) continue;
      const state = states.get(task.container.id);
      if (state === 'exited' || state === 'dead' || state === undefined) {
        void this.finish(task, { lost });
      } else if (state !== 'created') this.logs.follow(task);
    }
  }

  /** The engine is asked until it knows; that the container runs after all is found again by the next resync. */
  private async finish(
    task: ContainerTask,
    known: { readonly exitCode?: number | undefined; readonly lost?: boolean } = {},
  ): Promise<void> {
    if (task.isEnding) return;
    task.isEnding = true;
    const { exitCode, lost = false } = known;
    const { lostCount } = this.events;
    await task.ready;
    const { run } = task;
    const isAwaited = (): boolean => !this.closed && this.tasks.get(run) === task;
    const seen = await awaitExit(task.container, { run, exitCode, isAwaited });
    if (seen === undefined) {
      task.isEnding = false;
      return;
    }
    clearTimeout(task.killTimer);
    await this.sessions.endAll(run);
    await this.logs.copyRest(task);
    if (!isAwaited()) return;
    this.tasks.delete(run);
    const isCutOff = lost || seen.wasAway || this.events.lostCount > lostCount;
    const exit = isCutOff ? withCause(seen.exit, task) : seen.exit;
    this.tell(exit);
  }

  private tell(exit: TaskExit): void {
    for (const listener of this.listeners) listener(exit);
  }

  /** The engine may be away for a while; the end of the task stops the attempts. */
  private async killHard(task: ContainerTask): Promise<void> {
    for (let attempt = 0; attempt < CALL_ATTEMPTS; attempt += 1) {
      if (this.closed || this.tasks.get(task.run) !== task) return;
      const sent = await signalContainer(task.container, 'SIGKILL').catch(() => undefined);
      if (sent === false) void this.finish(task);
      if (sent !== undefined) return;
      await sleep(FIRST_PAUSE_MS * 2 ** attempt, undefined, { ref: false });
    }
  }
}
