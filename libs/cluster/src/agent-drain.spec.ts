import { describe, expect, it } from 'vitest';
import type { AgentMessageBody, FrameworkInfo } from '#mesos-v1';
import { nthRun, SEED } from './agent.test-support.js';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { applyRecord, emptyJournalImage } from './agent-records.js';
import { recoverAgent } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent, AgentOptions, AgentState } from './agent-state.js';
import { DEFAULT_TASK_OPTIONS } from './agent-task.js';

const RUN = nthRun('t');

const OPTIONS: AgentOptions = {
  ...DEFAULT_TASK_OPTIONS,
  defaultKillGraceMs: 3_000,
  lanes: DEFAULT_LANE_LIMITS,
  hostAddress: '127.0.0.1',
  launchers: { process: { available: true }, docker: { available: false, reason: 'none' } },
};
const AWARE: FrameworkInfo = {
  user: 'root',
  name: 'f',
  id: { value: 'f1' },
  capabilities: [{ type: 'PARTITION_AWARE' }, { type: 'TASK_KILLING_STATE' }],
};

/** A subscribed agent with the task `t` running, whose own grace is 60 s. */
class Agent {
  readonly effects: AgentEffect[] = [];
  readonly image = emptyJournalImage();
  private state: AgentState;
  private sequence = 1;
  private monoMs = 0;

  constructor(framework: FrameworkInfo = AWARE) {
    this.state = this.restart();
    this.send({
      type: 'LAUNCH',
      launch: {
        framework,
        task: {
          name: 't',
          task_id: { value: 't' },
          agent_id: { value: 'a1' },
          resources: [],
          command: { value: 'sleep 100' },
          kill_policy: { grace_period: { nanoseconds: 60e9 } },
        },
      },
    });
    this.feed({ kind: 'task', run: RUN, event: { kind: 'launched', launched: { pid: 7 } } });
  }

  /** Comes up from what was written down, and subscribes. */
  restart(): AgentState {
    const { state, effects } = recoverAgent(
      { image: this.image, damaged: new Map() },
      { bootId: 'b', seed: SEED, options: OPTIONS, now: { epochMs: 0, monoMs: 0 } },
    );
    this.state = state;
    this.note(effects);
    this.sequence = 0;
    this.feed({ kind: 'link-opened', connection: 1 });
    this.send({
      type: 'SUBSCRIBED',
      subscribed: { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 },
    });
    return this.state;
  }

  send(body: AgentMessageBody): void {
    this.sequence += 1;
    const message = { ...body, epoch: 1, stream_id: 's', sequence: this.sequence };
    this.feed({ kind: 'message', connection: 1, message });
  }

  drain(drain: { readonly nanoseconds?: number; readonly mark_gone?: boolean } = {}): void {
    const { nanoseconds, mark_gone = false } = drain;
    const cap = nanoseconds === undefined ? {} : { max_grace_period: { nanoseconds } };
    this.send({ type: 'DRAIN', drain: { ...cap, mark_gone } });
  }

  exit(): void {
    const status = { kind: 'signalled', signal: 15 } as const;
    const exit = { run: RUN, status, oomKilled: false };
    this.feed({ kind: 'task', run: RUN, event: { kind: 'exited', exit } });
  }

  feed(event: AgentEvent): void {
    this.monoMs += 10;
    const now = { epochMs: this.monoMs, monoMs: this.monoMs };
    const reduced = reduceAgent(this.state, event, now);
    this.state = reduced.state;
    this.note(reduced.effects);
  }

  kills(): number[] {
    return this.effects.flatMap((one) => (one.kind === 'kill' ? [one.graceMs] : []));
  }

  /** States written down, with their reasons. */
  updates(): string[] {
    return this.effects
      .flatMap((one) => (one.kind === 'journal' ? one.records : []))
      .flatMap((one) =>
        one.kind === 'update' ? [`${one.status.state} ${one.status.reason ?? ''}`.trim()] : [],
      );
  }

  private note(effects: readonly AgentEffect[]): void {
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.kind === 'journal') for (const one of effect.records) applyRecord(this.image, one);
    }
  }
}

describe('an agent that is drained', () => {
  it('kills every task with its own grace, capped, and says why', () => {
    const agent = new Agent();

    agent.drain({ nanoseconds: 5e9 });
    agent.exit();

    expect(agent.kills()).toEqual([5_000]);
    expect(agent.updates()).toEqual([
      'TASK_RUNNING',
      'TASK_KILLING REASON_AGENT_DRAINING',
      'TASK_KILLED REASON_AGENT_DRAINING',
    ]);
  });

  it('leaves tasks their own grace when there is no cap', () => {
    const agent = new Agent();

    agent.drain();

    expect(agent.kills()).toEqual([60_000]);
  });

  it('never lengthens the grace of a kill under way', () => {
    const agent = new Agent();
    const kill_policy = { grace_period: { nanoseconds: 1e9 } };
    const ids = { framework_id: { value: 'f1' }, task_id: { value: 't' } };
    agent.send({ type: 'KILL', kill: { ...ids, kill_policy } });

    agent.drain({ nanoseconds: 5e9 });

    expect(agent.kills()).toEqual([1_000]);
  });

  it.each([
    ['TASK_GONE_BY_OPERATOR', AWARE],
    ['TASK_KILLED', { ...AWARE, capabilities: [] }],
  ])('ends tasks as %s when it is to be marked gone', (state, framework) => {
    const agent = new Agent(framework);

    agent.drain({ mark_gone: true });
    agent.exit();

    expect(agent.updates().at(-1)).toBe(`${state} REASON_AGENT_DRAINING`);
  });

  it('does nothing more when it is told again', () => {
    const agent = new Agent();
    agent.drain({ nanoseconds: 5e9 });
    const before = agent.effects.length;

    agent.drain({ nanoseconds: 5e9 });

    expect(agent.effects.length).toBe(before);
  });

  it('goes on with it after a restart', () => {
    const agent = new Agent();
    agent.drain({ nanoseconds: 5e9, mark_gone: true });

    agent.restart();
    agent.feed({ kind: 'task', run: RUN, event: { kind: 'reattached', launched: { pid: 7 } } });
    agent.drain({ nanoseconds: 5e9, mark_gone: true });
    agent.exit();

    expect(agent.kills()).toEqual([5_000, 5_000]);
    expect(agent.updates().at(-1)).toBe('TASK_GONE_BY_OPERATOR REASON_AGENT_DRAINING');
  });
});
