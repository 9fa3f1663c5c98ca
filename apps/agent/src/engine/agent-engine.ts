import {
  type AgentDescription,
  type AgentEvent,
  type AgentIdentity,
  type AgentOptions,
  type AgentState,
  DEFAULT_LANE_LIMITS,
  DEFAULT_TASK_OPTIONS,
  findReconfiguration,
  groupExecutors,
  isSubscribed,
  type LauncherKind,
  recoverAgent,
  reduceAgent,
  toSubscribe,
} from '#cluster';
import { type Launcher, present, type RunKey } from '#core';
import type { AgentInfo } from '#mesos-v1';
import type { AgentEnginePorts, AgentEngineSettings } from './agent-engine-ports.js';
import { createExecutors } from './effect-executor.js';
import { EffectQueue } from './effect-queue.js';
import { ExecutorApi } from './executor-api.js';
import { ExecutorStreams } from './executor-streams.js';
import { openVolumes } from './open-volumes.js';
import { TimerTable } from './timer-table.js';

/** What a launcher said about itself at the start. */
export interface LauncherStatus {
  readonly kind: LauncherKind;
  readonly isAvailable: boolean;
  /** Remarks (no cgroups: no limits), or why it cannot be used. */
  readonly notes: readonly string[];
}

/** The agent without its transport. */
export interface AgentEngine {
  /** Finds the tasks of before again, then connects to a master. */
  start(): Promise<void>;
  /** Stops acting and watching; tasks go on running. */
  stop(): Promise<void>;
  /** Ends every task with its grace, at most 15 s, and waits 2 s for the acknowledgements. Call `stop` after it. */
  drain(): Promise<void>;
  /** Stops dead, nothing is flushed: what a SIGKILL does. For simulations. */
  halt(): void;
  /** Resolves when all effects so far are carried out. */
  idle(): Promise<void>;
  /** A task's sandbox takes more than the disk it asked for, or a `volume` more than its size; it is ended for that. */
  exceedDisk(run: RunKey, usedBytes: number, volume?: string): void;
  readonly state: AgentState;
  /** What executors call. They may before `start` has resolved, as soon as the journal is read. */
  readonly executors: ExecutorApi;
  readonly launchers: readonly LauncherStatus[];
  /** What the disk says while the work directory cannot be written; also before the agent has started. */
  readonly disk: string | undefined;
}

/** The first look for all tasks may take this long before the agent registers without the slow ones. */
const REATTACH_WAIT_MS = 15_000;
const DRAIN_LIMIT_MS = 15_000;
/** How long the last updates may take to be acknowledged once every task has ended. */
const DRAIN_ACKNOWLEDGE_MS = 2_000;
/** Leaves time within {@link DRAIN_LIMIT_MS} for SIGKILL. */
const DRAIN_GRACE_MS = 10_000;
const STOP_LIMIT_MS = 5_000;
const SEED_BYTES = 10;
const DETECT_INTERVAL_MS = 30_000;

/** Makes an engine over the given ports; nothing happens before `start`. */
export const createAgentEngine = (
  ports: AgentEnginePorts,
  settings: AgentEngineSettings,
): AgentEngine => new Engine(ports, settings);

class Engine implements AgentEngine {
  launchers: readonly LauncherStatus[] = [];
  disk: string | undefined;
  private readonly troubles = new Map<'journal' | 'volumes', string>();
  private current: AgentState | undefined;
  /** What a restart would know; a master is told of no other. */
  private persistedEpoch = 0;
  private isStopped = false;
  readonly executors: ExecutorApi;
  private readonly timers: TimerTable;
  private readonly streams: ExecutorStreams;
  private readonly queue: EffectQueue;
  private readonly unsubscribers: (() => void)[] = [];
  private readonly changeListeners = new Set<() => void>();

  constructor(
    private readonly ports: AgentEnginePorts,
    private readonly settings: AgentEngineSettings,
  ) {
    this.timers = new TimerTable(ports.clock);
    this.streams = new ExecutorStreams(ports.clock);
    const executors = createExecutors({
      ports,
      settings,
      timers: this.timers,
      streams: this.streams,
      state: () => this.state,
      dispatch: (event) => this.dispatch(event),
      persisted: ({ highestEpoch }) => {
        this.persistedEpoch = highestEpoch;
      },
    });
    this.queue = new EffectQueue(executors, {
      fail: ports.fail,
      unwritten: (run, message) =>
        this.dispatch({ kind: 'task', run, event: { kind: 'unwritten', message } }),
      isHeldUp: () => this.disk !== undefined,
    });
    this.executors = new ExecutorApi({
      streams: this.streams,
      state: () => (this.isStopped ? undefined : this.current),
      dispatch: (event) => this.dispatch(event),
      settled: (run) => this.queue.settled(run),
      isFull: (run) => this.queue.isFull(run),
    });
  }

  get state(): AgentState {
    return present(this.current, 'the engine has not been started');
  }

  async start(): Promise<void> {
    this.launchers = await Promise.all(this.ports.launchers.map(detect));
    this.ports.journal.watch((problem) => this.noteDisk('journal', problem));
    this.ports.volumes.watch((problem) => this.noteDisk('volumes', problem));
    const journal = await this.ports.journal.open();
    const { hostname, resources, attributes } = this.settings.agent;
    const description = { hostname, resources, attributes };
    this.requireConfiguration(journal.identity, description);
    const recovered = recoverAgent(journal, {
      description,
      bootId: this.settings.bootId,
      seed: this.ports.randomBytes(SEED_BYTES),
      options: this.options(),
      now: this.ports.clock.now(),
    });
    this.current = recovered.state;
    this.persistedEpoch = journal.identity?.highestEpoch ?? 0;
    const isNewIdentity =
      JSON.stringify(journal.identity) !== JSON.stringify(recovered.state.identity);
    for (const launcher of this.ports.launchers) {
      this.unsubscribers.push(
        launcher.onExit((exit) =>
          this.dispatch({ kind: 'task', run: exit.run, event: { kind: 'exited', exit } }),
        ),
      );
    }
    this.queue.add(recovered.effects);
    await this.until(() => !this.isLookingForTasks(), REATTACH_WAIT_MS);
    await this.removeStrays(() => true);
    await this.sweepRuntime();
    // What was lost by a reboot is on the disk before the new boot is.
    if (isNewIdentity) await this.queue.idle();
    const volumes = await openVolumes(this.ports, journal.identity ?? recovered.state.identity);
    this.dispatch({ kind: 'started', isNewIdentity, volumes });
    this.connect();
    this.watchLaunchers();
  }

  async stop(): Promise<void> {
    if (this.isStopped) return;
    // What the disk refuses is not waited for: it is not on the disk, so nobody was told.
    await this.idleWithin(STOP_LIMIT_MS);
    this.halt();
    await this.ports.link.close();
    await Promise.all(this.ports.launchers.map((launcher) => launcher.close()));
    this.ports.volumes.close();
    await this.ports.journal.close();
  }

  async drain(): Promise<void> {
    this.dispatch({ kind: 'shutdown', maxGraceMs: DRAIN_GRACE_MS });
    await this.until(() => this.haveAllEnded(), DRAIN_LIMIT_MS);
    // Without a master nobody can acknowledge; a framework that is away will, at the next start.
    const isHeard = () => this.state.tasks.size > 0 && isSubscribed(this.state);
    await this.until(() => !isHeard(), DRAIN_ACKNOWLEDGE_MS);
  }

  halt(): void {
    this.isStopped = true;
    this.queue.halt();
    this.timers.close();
    this.streams.closeAll();
    for (const unsubscribe of this.unsubscribers.splice(0)) unsubscribe();
  }

  idle(): Promise<void> {
    return this.queue.idle();
  }

  exceedDisk(run: RunKey, usedBytes: number, volume?: string): void {
    const use = volume === undefined ? { usedBytes } : { usedBytes, volume };
    this.dispatch({ kind: 'task', run, event: { kind: 'disk-exceeded', ...use } });
  }

  /** Refuses to start as something the policy does not allow: nothing has been done yet. */
  private requireConfiguration(
    before: AgentIdentity | undefined,
    description: AgentDescription,
  ): void {
    const { reconfiguration = 'any' } = this.settings;
    // One that no master knows may be anything.
    if (before?.agentId === undefined || before.description === undefined) return;
    const found = findReconfiguration(before.description, description, reconfiguration);
    if (found.length === 0) return;
    throw new Error(
      `agent ${before.agentId} may not be changed so while PACER_AGENT_RECONFIGURATION_POLICY is ${reconfiguration}: ${found.join('; ')}. Start it as it was, or with the policy ${reconfiguration === 'equal' ? 'additive (for what only adds to it) or any' : 'any'}, or with another PACER_DATA as a new agent`,
    );
  }

  private dispatch(event: AgentEvent): void {
    if (this.isStopped) return;
    const reduced = reduceAgent(this.state, event, this.ports.clock.now());
    this.current = reduced.state;
    this.queue.add(reduced.effects);
    for (const listener of [...this.changeListeners]) listener();
  }

  private noteDisk(about: 'journal' | 'volumes', told: string | undefined): void {
    if (told === undefined) this.troubles.delete(about);
    else this.troubles.set(about, told);
    const problem = this.troubles.values().next().value;
    if (this.disk === problem) return;
    this.disk = problem;
    if (this.current === undefined) return;
    this.dispatch({ kind: 'disk-changed', ...(problem === undefined ? {} : { problem }) });
  }

  private async idleWithin(limitMs: number): Promise<void> {
    let cancel = () => {};
    const limit = new Promise<void>((resolve) => {
      cancel = this.ports.clock.schedule(limitMs, resolve);
    });
    await Promise.race([this.queue.idle(), limit]);
    cancel();
  }

  private connect(): void {
    this.ports.link.open({
      subscribe: () => {
        const call = toSubscribe(
          this.state,
          {
            ...this.settings.agent,
            capabilities: this.capabilities(),
            attributes: [...this.settings.agent.attributes, this.dockerAttribute()],
          },
          this.settings.version,
        );
        const subscribe = { ...call.subscribe, highest_epoch: this.persistedEpoch };
        return { ...call, subscribe };
      },
      opened: (connection) => this.dispatch({ kind: 'link-opened', connection }),
      message: (connection, message) => this.dispatch({ kind: 'message', connection, message }),
      closed: (connection, reason) => {
        this.ports.log('info', `lost the master: ${reason}`);
        this.dispatch({ kind: 'link-closed', connection });
      },
    });
  }

  /** Offers carry attributes and no capabilities: schedulers learn here whether images can run. */
  private dockerAttribute(): AgentInfo['attributes'][number] {
    const isAvailable = this.capabilities().some(({ type }) => type === 'DOCKER');
    return { name: 'docker', type: 'TEXT', text: { value: String(isAvailable) } };
  }

  private capabilities(): NonNullable<AgentInfo['capabilities']> {
    const launchers = this.launchers
      .filter(({ isAvailable }) => isAvailable)
      .map(({ kind }) => ({ type: kind.toUpperCase() }));
    const always = ['TASK_GROUPS', 'TASK_RESOURCE_LIMITS', 'EXECUTORS'];
    return [...launchers, ...always.map((type) => ({ type }))];
  }

  /** A container engine may be started after the agent, or stop: what is advertised follows. */
  private watchLaunchers(): void {
    this.timers.set('', 'launchers', DETECT_INTERVAL_MS, () => {
      void this.redetect().then(() => {
        if (!this.isStopped) this.watchLaunchers();
      });
    });
  }

  private async redetect(): Promise<void> {
    const found = await Promise.all(this.ports.launchers.map(detect));
    const changed = found.filter(
      ({ kind, isAvailable }) =>
        this.launchers.find((before) => before.kind === kind)?.isAvailable !== isAvailable,
    );
    this.launchers = found;
    for (const { kind, isAvailable, notes } of changed) {
      const now = isAvailable ? 'can be used now' : `cannot be used any more: ${notes.join('; ')}`;
      this.ports.log('info', `the ${kind} launcher ${now}`);
    }
    if (changed.length > 0) {
      this.dispatch({ kind: 'launchers-changed', launchers: this.options().launchers });
    }
    const isNew = (kind: LauncherKind) => changed.some((one) => one.kind === kind);
    // An engine that was away, however shortly, may not have heard what it was to remove.
    await this.removeStrays((kind) => kind === 'docker' || isNew(kind));
  }

  private options(): AgentOptions {
    const usable = (kind: LauncherKind): AgentOptions['launchers'][LauncherKind] => {
      const found = this.launchers.find((launcher) => launcher.kind === kind);
      if (found?.isAvailable) return { available: true };
      return { available: false, reason: found?.notes[0] ?? 'none is configured' };
    };
    return {
      ...DEFAULT_TASK_OPTIONS,
      lanes: DEFAULT_LANE_LIMITS,
      ...this.settings.options,
      hostAddress: this.settings.hostAddress,
      launchers: { process: usable('process'), docker: usable('docker') },
    };
  }

  private async removeStrays(isWanted: (kind: LauncherKind) => boolean): Promise<void> {
    const known = new Set(
      [...this.state.tasks.values()]
        .filter(({ phase }) => phase.kind !== 'ended')
        .map(({ run }) => run),
    );
    for (const run of this.state.executors.keys()) known.add(run);
    for (const { run } of groupExecutors(this.state)) known.add(run);
    for (const launcher of this.ports.launchers) {
      const status = this.launchers.find(({ kind }) => kind === launcher.kind);
      if (!status?.isAvailable || !isWanted(launcher.kind) || this.isStopped) continue;
      try {
        const removed = await launcher.removeStrays(known);
        for (const one of removed) this.ports.log('warn', `ended a stray: ${one}`);
      } catch (error) {
        this.ports.log('warn', `cannot look for strays: ${String(error)}`);
      }
    }
  }

  /** An agent that died between the end of a run's record and the removal of its folder has left that. */
  private async sweepRuntime(): Promise<void> {
    const { tasks, executors } = this.state;
    const groups = new Set([...groupExecutors(this.state)].map(({ run }) => run));
    const isLive = (run: RunKey) => tasks.has(run) || executors.has(run) || groups.has(run);
    try {
      await this.ports.sandboxes.sweepRuntime(isLive);
    } catch (error) {
      this.ports.log('warn', `cannot sweep the runtime folders: ${String(error)}`);
    }
  }

  private isLookingForTasks(): boolean {
    const { tasks, executors } = this.state;
    for (const launched of [tasks, executors]) {
      for (const { phase } of launched.values()) {
        if (phase.kind === 'recovering' && phase.attempts === 0) return true;
      }
    }
    return false;
  }

  private haveAllEnded(): boolean {
    const { tasks, executors } = this.state;
    return executors.size === 0 && [...tasks.values()].every(({ phase }) => phase.kind === 'ended');
  }

  /** Resolves when `claim` holds after some event, or at the limit. */
  private until(claim: () => boolean, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (claim()) {
        resolve();
        return;
      }
      const finish = () => {
        cancel();
        this.changeListeners.delete(check);
        resolve();
      };
      const check = () => claim() && finish();
      const cancel = this.ports.clock.schedule(limitMs, finish);
      this.changeListeners.add(check);
    });
  }
}

async function detect(launcher: Launcher): Promise<LauncherStatus> {
  try {
    const found = await launcher.detect();
    return found.available
      ? { kind: launcher.kind, isAvailable: true, notes: found.notes }
      : { kind: launcher.kind, isAvailable: false, notes: [found.reason] };
  } catch (error) {
    return { kind: launcher.kind, isAvailable: false, notes: [String(error)] };
  }
}
