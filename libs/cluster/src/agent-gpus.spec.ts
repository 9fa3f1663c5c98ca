import { describe, expect, test } from 'vitest';
import { type RunKey, resources } from '#core';
import {
  type AgentMessageBody,
  type FrameworkInfo,
  type TaskInfo,
  toWireResources,
} from '#mesos-v1';
import { SEED } from './agent.test-support.js';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { findTaskDefect } from './agent-launch-spec.js';
import { applyRecord, emptyJournalImage, type JournalImage } from './agent-records.js';
import { recoverAgent } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent, AgentOptions, AgentState } from './agent-state.js';
import { DEFAULT_TASK_OPTIONS } from './agent-task.js';

const options: AgentOptions = {
  ...DEFAULT_TASK_OPTIONS,
  ...{ lanes: DEFAULT_LANE_LIMITS, hostAddress: '127.0.0.1', gpus: ['g0', 'g1', 'g2'] },
  launchers: { process: { available: true }, docker: { available: true } },
};
const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f1' } };
const train = (id: string, gpus: number): TaskInfo => ({
  ...{ name: id, task_id: { value: id }, agent_id: { value: 'a1' } },
  resources: toWireResources(resources({ cpus: 1, gpus })),
  command: { value: 'train' },
});
const executor = { executor_id: { value: 'x' }, type: 'CUSTOM' as const, command: { value: 'x' } };

/** An agent; `launched` are the GPUs of each launch by task, `written` is its journal. */
class Agent {
  state: AgentState;
  private sequence = 0;
  readonly launched: Record<string, readonly string[] | undefined> = {};

  constructor(readonly written: JournalImage = emptyJournalImage()) {
    const identity = { agentId: 'a1', highestEpoch: 1, bootId: 'b' };
    const start = { bootId: 'b', seed: SEED, options, now: { epochMs: 0, monoMs: 0 } };
    const image = { ...written, tasks: new Map(written.tasks) };
    const recovered = recoverAgent({ identity, image, damaged: new Map() }, start);
    this.state = recovered.state;
    this.note(recovered.effects);
    this.feed({ kind: 'started' });
    this.feed({ kind: 'link-opened', connection: 1 });
    const subscribed = { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 };
    this.send({ type: 'SUBSCRIBED', subscribed });
  }

  launch(task: TaskInfo): void {
    this.send({ type: 'LAUNCH', launch: { framework, task } });
  }

  end(id: string): void {
    const status = { kind: 'exited', code: 0 } as const;
    const run = this.runOf(id);
    this.feed({ kind: 'task', run, event: { kind: 'launched', launched: { pid: 1 } } });
    const exit = { run, status, oomKilled: false };
    this.feed({ kind: 'task', run, event: { kind: 'exited', exit } });
  }

  latest(id: string) {
    return this.state.tasks.get(this.runOf(id))?.stream.latest;
  }

  private send(body: AgentMessageBody): void {
    this.sequence += 1;
    const position = { epoch: 1, stream_id: 's', sequence: this.sequence };
    this.feed({ kind: 'message', connection: 1, message: { ...body, ...position } });
  }

  private runOf(id: string): RunKey {
    const [run] = [...this.state.tasks.values()].flatMap((one) => (one.id === id ? [one.run] : []));
    return run ?? expect.unreachable(`no task ${id}`);
  }

  private feed(event: AgentEvent): void {
    const reduced = reduceAgent(this.state, event, { epochMs: 0, monoMs: 0 });
    this.state = reduced.state;
    this.note(reduced.effects);
  }

  private note(effects: readonly AgentEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'launch') this.launched[effect.task.name] = effect.gpus;
      if (effect.kind !== 'journal') continue;
      for (const record of effect.records) applyRecord(this.written, record);
    }
  }
}

describe('GPUs', () => {
  test('are given to one task each, and again when that has ended', () => {
    const agent = new Agent();
    agent.launch(train('a', 2));
    agent.launch(train('b', 1));
    agent.launch(train('none', 0));
    agent.end('a');
    agent.launch(train('c', 2));

    expect(agent.launched).toEqual({ a: ['g0', 'g1'], b: ['g2'], c: ['g0', 'g1'] });
  });

  test('that are not free fail a task, which takes none', () => {
    const agent = new Agent();
    agent.launch(train('a', 2));
    agent.launch(train('b', 2));
    agent.launch(train('c', 1));

    expect(agent.latest('b')).toMatchObject({
      state: 'TASK_FAILED',
      message: 'it asks for 2 gpus, 1 of this agent are free',
    });
    expect(agent.launched).toEqual({ a: ['g0', 'g1'], c: ['g2'] });
  });

  test('are still those of their task after a restart of the agent', () => {
    const before = new Agent();
    before.launch(train('a', 2));

    const after = new Agent(before.written);
    after.launch(train('b', 1));

    expect(after.launched).toEqual({ b: ['g2'] });
  });

  test('are whole, and not for custom executors', () => {
    expect(findTaskDefect(train('a', 0.5))).toContain('0.5 gpus cannot be had, only whole ones');
    expect(
      findTaskDefect({ ...train('a', 1), executor: { ...executor, resources: [] } }),
    ).toContain('gpus are not given to custom executors');
  });
});
