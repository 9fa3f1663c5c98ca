import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTerminalTaskState, type TaskState } from '#core';
import type { AgentMessageBody } from '#mesos-v1';
import { settle } from '../../../../test/support/virtual-clock.js';
import {
  createExecutorWorld,
  executorTask,
  FakeExecutor,
  FRAMEWORK,
  nextUuid,
  type StartedAgent,
  startAgent,
  statusOf,
} from './executors.test-support.js';

/** An agent, its master and one executor, each of which may die or lose what it was told at any moment, and a disk. */

const TASKS = ['a', 'b', 'c'];

type Step =
  | { readonly kind: 'launch' | 'run' | 'finish' | 'kill' | 'acknowledge'; readonly task: string }
  | {
      readonly kind:
        | 'subscribe'
        | 'disconnect'
        | 'crash-executor'
        | 'shut-down'
        | 'lose-master'
        | 'restart'
        | 'restart-unsaved'
        | 'fill-disk'
        | 'clear-disk';
    }
  | { readonly kind: 'pass'; readonly ms: number };

type Kind<Step extends { readonly kind: string }> = Step extends unknown ? Step['kind'] : never;

const task = fc.constantFrom(...TASKS);
const oneOf = (weight: number, ...kinds: readonly Exclude<Kind<Step>, 'pass'>[]) => ({
  weight,
  arbitrary: fc.record({ kind: fc.constantFrom(...kinds), task }) as fc.Arbitrary<Step>,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  oneOf(8, 'launch', 'run', 'run', 'finish', 'acknowledge', 'acknowledge', 'kill'),
  oneOf(3, 'subscribe'),
  oneOf(2, 'disconnect', 'restart', 'lose-master'),
  oneOf(1, 'crash-executor', 'shut-down', 'restart-unsaved', 'fill-disk', 'clear-disk'),
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 1_000, 5_000, 61_000),
    }),
  },
);
/** Most histories would otherwise never come to have a task that runs. */
const BEGIN: readonly Step[] = [
  { kind: 'launch', task: 'a' },
  { kind: 'subscribe' },
  { kind: 'run', task: 'a' },
];

/** What one process of the executor knows, over all its streams. */
class Process {
  readonly received = new Set<string>();
  readonly unacknowledged = new Map<string, ReturnType<typeof statusOf>>();
  readonly unacknowledgedTasks = new Set<string>();
  private seen = 0;
  stream: FakeExecutor | undefined;

  constructor(readonly pid: number) {}

  async subscribe({ engine }: StartedAgent): Promise<void> {
    this.hear();
    const stream = new FakeExecutor(engine);
    const status = await stream.subscribe({
      tasks: [...this.unacknowledgedTasks].map((id) => executorTask(id)),
      updates: [...this.unacknowledged.values()],
    });
    if (status !== 200) return;
    this.stream = stream;
    this.seen = 0;
    this.hear();
  }

  hear(): void {
    for (const event of this.stream?.events.slice(this.seen) ?? []) {
      this.seen += 1;
      if (event.type === 'LAUNCH') {
        const id = event.launch.task.task_id.value;
        expect(this.received.has(id), `${id} is launched twice`).toBe(false);
        this.received.add(id);
        this.unacknowledgedTasks.add(id);
      }
      if (event.type === 'ACKNOWLEDGED') {
        this.unacknowledged.delete(event.acknowledged.uuid);
        this.unacknowledgedTasks.delete(event.acknowledged.task_id.value);
      }
    }
  }

  async update(id: string, state: string): Promise<void> {
    this.hear();
    if (!this.received.has(id)) return;
    const status = statusOf(id, state, nextUuid());
    this.unacknowledged.set(status.uuid, status);
    // It is answered when it is on the disk, which may be full.
    void this.stream?.update(id, state, status.uuid);
    await settle();
    this.hear();
  }
}

class History {
  private agent: StartedAgent | undefined;
  private process: Process | undefined;
  private readonly world = createExecutorWorld();
  private readonly launched = new Map<string, Extract<AgentMessageBody, { type: 'LAUNCH' }>>();
  /** All that each task was told to be. */
  private readonly told = new Map<string, string[]>();
  private counted = 0;
  private number = 0;
  private executorLaunch: { readonly epoch: number; readonly number: number } | undefined;

  async start(): Promise<void> {
    this.agent = await startAgent(this.world, { isAdmitted: false });
    this.counted = 0;
    await this.admit();
  }

  async take(step: Step): Promise<void> {
    const { running } = this;
    switch (step.kind) {
      case 'launch':
        await this.launch(step.task);
        break;
      case 'run':
        await running?.update(step.task, 'TASK_RUNNING');
        break;
      case 'finish':
        await running?.update(step.task, 'TASK_FINISHED');
        break;
      case 'kill':
        if (this.launched.has(step.task) && !this.isOver(step.task)) {
          this.send({ type: 'KILL', kill: ofTask(step.task) });
        }
        break;
      case 'acknowledge':
        this.acknowledge(step.task);
        break;
      case 'subscribe':
        if (this.agent !== undefined) await running?.subscribe(this.agent);
        break;
      case 'disconnect':
        running?.stream?.disconnect();
        break;
      case 'crash-executor':
        if (running !== undefined) this.live.launcher.end('E', { kind: 'signalled', signal: 9 });
        break;
      case 'shut-down':
        this.send({ type: 'SHUTDOWN_EXECUTOR', shutdown_executor: OF_EXECUTOR });
        break;
      case 'lose-master':
        this.live.link.breakStream();
        await this.admit();
        break;
      case 'restart':
        this.note();
        this.live.engine.halt();
        this.world.journal.forgetWatchers();
        await this.start();
        break;
      case 'restart-unsaved':
        this.note();
        this.world.journal.freeze();
        this.send({ type: 'SHUTDOWN_EXECUTOR', shutdown_executor: OF_EXECUTOR });
        await settle();
        this.live.engine.halt();
        this.world.journal.forgetWatchers();
        this.world.journal.thaw();
        await this.start();
        break;
      case 'fill-disk':
        this.world.journal.fill();
        break;
      case 'clear-disk':
        this.world.journal.clear();
        break;
      case 'pass':
        await this.world.clock.advance(step.ms);
        break;
      default:
        step satisfies never;
    }
    await settle();
    this.running?.hear();
    this.note();
  }

  /** Nothing fails any more: all is shut down and acknowledged. */
  async finish(): Promise<void> {
    await this.take({ kind: 'clear-disk' });
    if (this.live.engine.state.master.current === undefined) await this.admit();
    for (let round = 0; round < 20; round += 1) {
      await this.take({ kind: 'shut-down' });
      await this.take({ kind: 'pass', ms: 5_000 });
      await this.take({ kind: 'pass', ms: 5_000 });
      for (const id of TASKS)
        for (const _ of TASKS) await this.take({ kind: 'acknowledge', task: id });
    }
    const { tasks, executors } = this.live.engine.state;
    expect([tasks.size, executors.size, this.world.host.running.size]).toEqual([0, 0, 0]);
    for (const id of this.launched.keys()) {
      expect(this.isOver(id), `${id} has ended as told`).toBe(true);
    }
    this.live.engine.halt();
  }

  private get live(): StartedAgent {
    if (this.agent === undefined) throw new Error('there is no agent');
    return this.agent;
  }

  /** The executor's process, a new one with each start. */
  private get running(): Process | undefined {
    const [launched] = this.world.host.running.values();
    if (launched === undefined) return undefined;
    if (this.process?.pid !== launched.pid) this.process = new Process(launched.pid);
    return this.process;
  }

  /** As a master does: what the agent has not got, and has not said the end of, is sent again. */
  private async admit(): Promise<void> {
    const { tasks, executors = [] } = this.live.link.admit().subscribe;
    const known = new Set(tasks.map((one) => one.task.task_id.value));
    this.executorLaunch = executors[0]?.launch_id;
    for (const [id, launch] of this.launched) {
      if (!known.has(id) && !this.isOver(id)) this.send(this.of(launch));
    }
    await settle();
  }

  private async launch(id: string): Promise<void> {
    if (this.launched.has(id)) return;
    this.number += 1;
    const launch_id = { epoch: 1, number: this.number };
    const launch = { framework: FRAMEWORK, task: executorTask(id), launch_id };
    this.launched.set(id, { type: 'LAUNCH', launch });
    this.send(this.of({ type: 'LAUNCH', launch }));
  }

  private of(message: Extract<AgentMessageBody, { type: 'LAUNCH' }>): AgentMessageBody {
    const { launch } = message;
    this.executorLaunch ??= launch.launch_id;
    const executor_launch_id = this.executorLaunch ?? { epoch: 1, number: 0 };
    return { type: 'LAUNCH', launch: { ...launch, executor_launch_id } };
  }

  private send(body: AgentMessageBody): void {
    if (this.live.engine.state.master.current !== undefined) this.live.link.deliver(body);
  }

  private acknowledge(id: string): void {
    const { state } = this.live.engine;
    for (const one of state.tasks.values()) {
      const uuid = one.id === id ? one.stream.pending[0]?.uuid : undefined;
      if (uuid === undefined) continue;
      this.send({ type: 'ACKNOWLEDGE', acknowledge: { ...ofTask(id), uuid } });
      return;
    }
  }

  /** Terminal states are final; an executor that is over is not meant by the next launch. */
  private note(): void {
    const { calls } = this.live.link;
    for (const call of calls.slice(this.counted)) {
      if (call.type === 'EXITED_EXECUTOR') this.executorLaunch = undefined;
      if (call.type !== 'UPDATE') continue;
      const { task_id, state } = call.update.status;
      const before = this.told.get(task_id.value) ?? [];
      const last = before.at(-1);
      if (last !== undefined && isTerminalTaskState(last as TaskState)) expect(state).toBe(last);
      this.told.set(task_id.value, [...before, state]);
    }
    this.counted = calls.length;
  }

  private isOver(id: string): boolean {
    return isTerminalTaskState(this.told.get(id)?.at(-1) as TaskState);
  }
}

const OF_EXECUTOR = { framework_id: { value: 'F' }, executor_id: { value: 'E' } };
const ofTask = (id: string) => ({ framework_id: { value: 'F' }, task_id: { value: id } });

test('whatever happens, no task is launched twice, its end is final, and in the end all is ended and told', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const history = new History();
      await history.start();
      for (const one of [...BEGIN, ...steps]) await history.take(one);
      await history.finish();
    }),
    { numRuns: 150 },
  );
}, 120_000);
