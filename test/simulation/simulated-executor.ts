import {
  type ExitStatus,
  isTerminalTaskState,
  type RunKey,
  type TaskExit,
  type TaskId,
  type TaskState,
} from '#core';
import {
  type ExecutorCall,
  type ExecutorEvent,
  type ExecutorStatus,
  parseExecutorCall,
  type TaskInfo,
} from '#mesos-v1';
import type { ExecutorApi } from '../../apps/agent/src/engine/executor-api.js';
import { ClientStream } from './client-stream.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { World } from './world.js';

/** The executor API of one life of an agent. */
export type ExecutorCalls = Pick<ExecutorApi, 'subscribe' | 'call'>;

/** The agent an executor finds on its host. */
export interface AgentDoor {
  readonly process: SimulatedProcess;
  readonly calls: ExecutorCalls | undefined;
}

/** Who wants to know what executors are told, and tell. */
export interface ExecutorWatch {
  /** A host starts its process. */
  started(executor: SimulatedExecutor): void;
  /** It is told to run a task. */
  delivered(executor: SimulatedExecutor, task: TaskInfo): void;
  /** The agent has answered that it took an update. */
  taken(executor: SimulatedExecutor, status: ExecutorStatus): void;
  /** It may forget an update. */
  acknowledged(executor: SimulatedExecutor, status: ExecutorStatus): void;
  /** It is at fault: its agent may end it, and its tasks. */
  mayEnd(executor: SimulatedExecutor, why: string): void;
  /** Its agent is about to end it. */
  ending(executor: SimulatedExecutor, how: string): void;
}

/** What its host does for an executor. */
export interface ExecutorHost {
  readonly world: World;
  readonly watch: ExecutorWatch;
  readonly door: () => AgentDoor;
  /** A task's life on the host, by its own name. */
  readonly tasks: {
    begin(executor: SimulatedExecutor, task: TaskInfo): TaskId;
    run(id: TaskId): void;
    end(id: TaskId): void;
  };
  /** Milliseconds after which a task is done by itself. */
  readonly durationMs: (task: TaskInfo) => number | undefined;
  readonly exited: (executor: SimulatedExecutor) => void;
}

interface OwnTask {
  readonly id: TaskId;
  readonly info: TaskInfo;
  state: 'starting' | 'running' | 'ended';
}

const SIGTERM: ExitStatus = { kind: 'signalled', signal: 15 };
const SIGKILL: ExitStatus = { kind: 'signalled', signal: 9 };
/** Shorter than the time a restarted agent gives it. */
const LONGEST_RETRY_MS = 800;

/**
 * The process of a custom executor, as one that is built on a library of Mesos: what is not acknowledged it keeps, and
 * brings it when it subscribes again. It outlives its agent.
 */
export class SimulatedExecutor {
  state: 'starting' | 'running' | 'ended' = 'starting';
  exit: TaskExit | undefined;
  /** By the id of the wire. */
  readonly tasks = new Map<string, OwnTask>();
  readonly unacknowledged = new Map<string, ExecutorStatus>();
  private readonly unacknowledgedTasks = new Map<string, TaskInfo>();
  private stream: ClientStream | undefined;
  /** Uuids of the updates its last SUBSCRIBE brought. */
  private subscribedWith: ReadonlySet<string> = new Set();
  private isSubscribed = false;
  private lastArrivalMs = 0;
  /** Never subscribes. */
  private readonly isSilent: boolean;
  private readonly ignoresShutdown: boolean;
  private readonly termMs: number;

  constructor(
    readonly run: RunKey,
    readonly about: {
      readonly pid: number;
      readonly host: string;
      readonly frameworkId: string;
      readonly executorId: string;
    },
    private readonly parts: ExecutorHost,
  ) {
    const { isFaulty, random } = parts.world;
    this.isSilent = isFaulty && random.executors.chance(0.06);
    this.ignoresShutdown = isFaulty && random.executors.chance(0.2);
    this.termMs = random.executors.between(1, 2_000);
  }

  /** What its trace calls it. */
  get name(): string {
    return `${this.about.executorId}@${this.about.host}`;
  }

  begin(): void {
    this.state = 'running';
    if (!this.isSilent) this.subscribeLater(this.parts.world.random.executors.between(1, 300));
  }

  /** SIGTERM, and SIGKILL after the grace. */
  terminate(graceMs: number): void {
    const { world, watch } = this.parts;
    if (this.state === 'ended') return;
    watch.ending(this, 'kill');
    const isGraceful = this.termMs <= graceMs;
    world.after(Math.max(1, Math.min(this.termMs, graceMs)), () =>
      this.die(isGraceful ? SIGTERM : SIGKILL),
    );
  }

  /** Its process ends, and with it all that it runs. */
  die(status: ExitStatus): void {
    if (this.state === 'ended') return;
    this.vanish();
    this.exit = { run: this.run, status, oomKilled: false };
    this.trace(`ends ${status.kind}`);
    this.parts.exited(this);
  }

  /** It is gone and nobody saw how. */
  vanish(): void {
    this.state = 'ended';
    this.loseStream();
    for (const task of this.tasks.values()) {
      task.state = 'ended';
      this.parts.tasks.end(task.id);
    }
  }

  /** Its connection to the agent is cut. */
  breakStream(): void {
    if (this.stream === undefined || this.state !== 'running') return;
    this.trace('loses its stream');
    this.loseStream();
    this.subscribeAgain();
  }

  /** One of its tasks ends by itself. */
  endTask(wireId: string, state: TaskState): void {
    const task = this.tasks.get(wireId);
    if (task === undefined || task.state === 'ended' || this.state !== 'running') return;
    task.state = 'ended';
    this.parts.tasks.end(task.id);
    this.report(wireId, state);
  }

  private subscribeLater(delayMs: number): void {
    this.parts.world.after(delayMs, () => this.subscribe());
  }

  private subscribeAgain(): void {
    const { isFaulty, random } = this.parts.world;
    const isLate = isFaulty && random.executors.chance(0.04);
    if (isLate) this.parts.watch.mayEnd(this, 'it is away for long');
    this.subscribeLater(
      isLate
        ? random.executors.between(2_500, 6_000)
        : random.executors.between(5, LONGEST_RETRY_MS),
    );
  }

  private subscribe(): void {
    if (this.state !== 'running' || this.stream !== undefined) return;
    const { process, calls } = this.parts.door();
    if (!process.isAlive || calls === undefined) {
      this.subscribeAgain();
      return;
    }
    const updates = [...this.unacknowledged.values()].map((status) => ({ status }));
    this.subscribedWith = new Set(this.unacknowledged.keys());
    const call = this.toText({
      type: 'SUBSCRIBE',
      subscribe: {
        unacknowledged_tasks: [...this.unacknowledgedTasks.values()],
        unacknowledged_updates: updates,
      },
    });
    this.trace(`subscribes with ${this.unacknowledgedTasks.size} tasks, ${updates.length} updates`);
    const stream = new ClientStream(this.parts.world, {
      event: (event) => this.hear(event),
      ended: () => {
        if (this.stream !== stream) return;
        this.loseStream();
        this.subscribeAgain();
      },
    });
    this.stream = stream;
    stream.onLost(process.onEnd(() => stream.end()));
    this.arrive(process, () => {
      if (stream.isOver) return;
      const parsed = parse(call);
      if (parsed.type !== 'SUBSCRIBE') return;
      const answer = calls.subscribe(parsed, () => stream);
      if (answer.kind === 'refused') {
        this.trace(`is refused: ${answer.status} ${answer.message}`);
        stream.end();
      } else if (stream.isOver) process.enter(answer.closed);
      else stream.onLost(() => this.tellClosed(process, answer.closed));
    });
  }

  private tellClosed(process: SimulatedProcess, closed: () => void): void {
    const { world } = this.parts;
    world.after(world.random.executors.between(0.05, 400), () => {
      if (process.isAlive) process.enter(closed);
    });
  }

  private loseStream(): void {
    const { stream } = this;
    this.stream = undefined;
    this.isSubscribed = false;
    stream?.lose();
  }

  private hear(event: ExecutorEvent): void {
    if (this.state !== 'running') return;
    switch (event.type) {
      case 'SUBSCRIBED':
        this.isSubscribed = true;
        // What it had to say since its SUBSCRIBE went out.
        for (const [uuid, status] of this.unacknowledged) {
          if (!this.subscribedWith.has(uuid)) this.sendUpdate(status);
        }
        return;
      case 'LAUNCH':
        this.launch(event.launch.task);
        return;
      case 'LAUNCH_GROUP':
        for (const task of event.launch_group.task_group.tasks) this.launch(task);
        return;
      case 'KILL': {
        const id = event.kill.task_id.value;
        const { world } = this.parts;
        world.after(world.random.executors.between(1, 500), () => this.endTask(id, 'TASK_KILLED'));
        return;
      }
      case 'ACKNOWLEDGED': {
        const { uuid, task_id } = event.acknowledged;
        const status = this.unacknowledged.get(uuid);
        this.unacknowledgedTasks.delete(task_id.value);
        if (status === undefined) return;
        this.unacknowledged.delete(uuid);
        this.parts.watch.acknowledged(this, status);
        return;
      }
      case 'SHUTDOWN':
        this.shutDown();
        return;
      default:
        return;
    }
  }

  private launch(info: TaskInfo): void {
    const { world, watch } = this.parts;
    const wireId = info.task_id.value;
    watch.delivered(this, info);
    this.unacknowledgedTasks.set(wireId, info);
    const task: OwnTask = { id: this.parts.tasks.begin(this, info), info, state: 'starting' };
    this.tasks.set(wireId, task);
    const { executors } = world.random;
    const isFaulty = world.isFaulty;
    const fails = isFaulty && executors.chance(0.05);
    const startMs =
      isFaulty && executors.chance(0.1) ? executors.between(500, 4_000) : executors.between(1, 80);
    world.after(startMs, () => {
      if (task.state !== 'starting' || this.state !== 'running') return;
      if (fails) {
        this.endTask(wireId, 'TASK_FAILED');
        return;
      }
      task.state = 'running';
      this.parts.tasks.run(task.id);
      this.report(wireId, 'TASK_RUNNING');
      const durationMs = this.parts.durationMs(info);
      if (durationMs === undefined) return;
      world.after(durationMs, () => this.endTask(wireId, 'TASK_FINISHED'));
    });
  }

  private shutDown(): void {
    const { world } = this.parts;
    this.trace(this.ignoresShutdown ? 'ignores SHUTDOWN' : 'shuts down');
    if (this.ignoresShutdown) return;
    for (const id of this.tasks.keys()) this.endTask(id, 'TASK_KILLED');
    world.after(this.termMs, () => this.die({ kind: 'exited', code: 0 }));
  }

  private report(wireId: string, state: TaskState): void {
    const uuid = Buffer.from(this.parts.world.random.executors.bytes(16)).toString('base64');
    const status: ExecutorStatus = {
      task_id: { value: wireId },
      ...{ state, uuid, source: 'SOURCE_EXECUTOR' },
    };
    this.trace(`says ${wireId} ${state}${isTerminalTaskState(state) ? '.' : ''}`);
    this.unacknowledged.set(uuid, status);
    if (this.isSubscribed) this.sendUpdate(status);
  }

  /** What gets no answer goes with the next SUBSCRIBE. */
  private sendUpdate(status: ExecutorStatus): void {
    const { process, calls } = this.parts.door();
    if (!process.isAlive || calls === undefined) return;
    const text = this.toText({ type: 'UPDATE', update: { status } });
    this.arrive(process, () => {
      const call = parse(text);
      if (call.type === 'SUBSCRIBE') return;
      void calls.call(call).then((answer) => {
        const isHeard = answer.kind === 'accepted' && process.isAlive && this.state === 'running';
        if (isHeard) this.parts.watch.taken(this, status);
      });
    });
  }

  /** What it sends arrives in its order, unless the agent dies meanwhile. */
  private arrive(process: SimulatedProcess, handle: () => void): void {
    const { world } = this.parts;
    const atMs = world.nowMs + world.random.executors.between(0.05, 3);
    this.lastArrivalMs = Math.max(atMs, this.lastArrivalMs);
    world.after(this.lastArrivalMs - world.nowMs, () => {
      if (process.isAlive) process.enter(handle);
    });
  }

  private toText(call: object): string {
    const { frameworkId, executorId } = this.about;
    const caller = { framework_id: { value: frameworkId }, executor_id: { value: executorId } };
    return JSON.stringify({ ...caller, ...call });
  }

  private trace(what: string): void {
    this.parts.world.trace.add(this.name, what);
  }
}

function parse(text: string): ExecutorCall {
  const parsed = parseExecutorCall(JSON.parse(text));
  if (parsed.kind !== 'parsed') throw new Error(`unreadable call: ${text}`);
  return parsed.value;
}
