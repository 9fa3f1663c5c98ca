import { describe, expect, test } from 'vitest';
import type { RunKey } from '#core';
import type { AgentMessageBody, FrameworkInfo, TaskInfo } from '#mesos-v1';
import { nthRun, SEED } from './agent.test-support.js';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { applyRecord, emptyJournalImage, type JournalImage } from './agent-records.js';
import { recoverAgent, toSubscribe } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent, AgentOptions, AgentState } from './agent-state.js';
import { type AgentTaskEvent, DEFAULT_TASK_OPTIONS } from './agent-task.js';

const OPTIONS: AgentOptions = {
  ...DEFAULT_TASK_OPTIONS,
  lanes: DEFAULT_LANE_LIMITS,
  hostAddress: '127.0.0.1',
  launchers: { process: { available: true }, docker: { available: false, reason: 'none' } },
};
const NOW = { epochMs: 0, monoMs: 0 };
const task: TaskInfo = {
  name: 'web',
  task_id: { value: '1' },
  agent_id: { value: 'a1' },
  resources: [],
  command: { value: 'sleep 100' },
};
const frameworkOf = (id: string): FrameworkInfo => ({ user: 'root', name: id, id: { value: id } });

/** A subscribed agent with its journal. */
class Agent {
  readonly image: JournalImage = emptyJournalImage();
  state: AgentState;
  private sequence = 0;

  constructor(before: JournalImage = emptyJournalImage()) {
    const recovered = recoverAgent(
      {
        identity: { agentId: 'a1', highestEpoch: 0, bootId: 'b' },
        image: before,
        damaged: new Map(),
      },
      { bootId: 'b', seed: SEED, options: OPTIONS, now: NOW },
    );
    this.state = recovered.state;
    for (const [run, record] of before.tasks) {
      applyRecord(this.image, { kind: 'snapshot', run, record });
    }
    for (const one of before.completed.values()) {
      applyRecord(this.image, { kind: 'completed', ...one });
    }
    this.note(recovered.effects);
    this.feed({ kind: 'started' });
    this.feed({ kind: 'link-opened', connection: 1 });
    const subscribed = { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 };
    this.send({ type: 'SUBSCRIBED', subscribed });
  }

  send(body: AgentMessageBody): readonly AgentEffect[] {
    this.sequence += 1;
    const position = { epoch: 1, stream_id: 's', sequence: this.sequence };
    return this.feed({ kind: 'message', connection: 1, message: { ...body, ...position } });
  }

  launch(framework: string, number?: number): readonly AgentEffect[] {
    const launch_id = number === undefined ? {} : { launch_id: { epoch: 1, number } };
    const launch = { framework: frameworkOf(framework), task, ...launch_id };
    return this.send({ type: 'LAUNCH', launch });
  }

  kill(framework: string, number?: number): readonly AgentEffect[] {
    const launch_id = number === undefined ? {} : { launch_id: { epoch: 1, number } };
    const kill = { framework_id: { value: framework }, task_id: task.task_id, ...launch_id };
    return this.send({ type: 'KILL', kill });
  }

  acknowledge(framework: string, uuid: string): readonly AgentEffect[] {
    const acknowledge = { framework_id: { value: framework }, task_id: task.task_id, uuid };
    return this.send({ type: 'ACKNOWLEDGE', acknowledge });
  }

  /** Acknowledges all that the newest run has to say. */
  acknowledgeAll(framework: string): void {
    for (;;) {
      const run = this.state.current.get(framework)?.get('1');
      const uuid = run && this.state.tasks.get(run)?.stream.pending[0]?.uuid;
      if (uuid === undefined) return;
      this.acknowledge(framework, uuid);
    }
  }

  task(run: RunKey, event: AgentTaskEvent): readonly AgentEffect[] {
    return this.feed({ kind: 'task', run, event });
  }

  run(run: RunKey): void {
    this.task(run, { kind: 'launched', launched: { pid: 7 } });
  }

  exit(run: RunKey, code = 0): readonly AgentEffect[] {
    const exit = { run, status: { kind: 'exited', code }, oomKilled: false } as const;
    return this.task(run, { kind: 'exited', exit });
  }

  /** What it tells a master it has. */
  told() {
    const agent = { hostname: 'h', port: 1, resources: [], attributes: [] };
    return toSubscribe(this.state, agent, '1').subscribe.tasks;
  }

  private feed(event: AgentEvent): readonly AgentEffect[] {
    const reduced = reduceAgent(this.state, event, NOW);
    this.state = reduced.state;
    this.note(reduced.effects);
    return reduced.effects;
  }

  private note(effects: readonly AgentEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'journal') for (const one of effect.records) applyRecord(this.image, one);
    }
  }
}

const [FIRST, SECOND] = [nthRun('1', 1), nthRun('1', 2)];

const pick = (effects: readonly AgentEffect[], ...kinds: readonly AgentEffect['kind'][]) =>
  effects.filter(({ kind }) => kinds.includes(kind));

describe('an id of two frameworks', () => {
  test('is a task of each, with its own run, updates and end', () => {
    const agent = new Agent();

    const [one] = pick(agent.launch('f1'), 'launch');
    const [other] = pick(agent.launch('f2'), 'launch');
    agent.run(FIRST);
    agent.run(SECOND);
    const killed = agent.kill('f1');
    const ended = agent.exit(FIRST);

    expect([one, other]).toMatchObject([
      { run: FIRST, frameworkId: 'f1' },
      { run: SECOND, frameworkId: 'f2' },
    ]);
    expect(pick(killed, 'kill')).toMatchObject([{ run: FIRST }]);
    expect(agent.state.tasks.get(FIRST)?.stream.latest?.state).toBe('TASK_KILLED');
    expect(pick(ended, 'send-update', 'kill')).toEqual([]);
    expect(agent.state.tasks.get(SECOND)?.phase.kind).toBe('running');
  });

  test('is acknowledged for the one it was told of', () => {
    const agent = new Agent();
    agent.launch('f1');
    agent.launch('f2');
    agent.run(FIRST);
    agent.run(SECOND);
    const uuid = agent.state.tasks.get(FIRST)?.stream.pending[0]?.uuid ?? '';

    agent.acknowledge('f2', uuid);
    const before = agent.state.tasks.get(FIRST)?.stream.pending.length;
    agent.acknowledge('f1', uuid);

    expect(before).toBe(1);
    expect(agent.state.tasks.get(FIRST)?.stream.pending).toEqual([]);
    expect(agent.state.tasks.get(SECOND)?.stream.pending).toHaveLength(1);
  });

  test('ends for the framework that is shut down alone', () => {
    const agent = new Agent();
    agent.launch('f1');
    agent.launch('f2');
    agent.run(FIRST);
    agent.run(SECOND);

    const gone = { framework_id: { value: 'f1' } };
    const effects = agent.send({ type: 'SHUTDOWN_FRAMEWORK', shutdown_framework: gone });

    expect(pick(effects, 'kill')).toMatchObject([{ run: FIRST }]);
    expect(agent.state.tasks.get(SECOND)?.phase.kind).toBe('running');
  });
});

describe('a launch that comes again', () => {
  test('of a task that lives changes nothing', () => {
    const agent = new Agent();
    agent.launch('f1', 1);

    expect(agent.launch('f1', 1)).toEqual([]);
    agent.run(FIRST);
    expect(agent.launch('f1', 1)).toEqual([]);
    expect(agent.state.tasks.size).toBe(1);
  });

  test('of a task that has ended and waits to be acknowledged changes nothing', () => {
    const agent = new Agent();
    agent.launch('f1', 1);
    agent.run(FIRST);
    agent.exit(FIRST);

    expect(agent.launch('f1', 1)).toEqual([]);
  });

  test('of a task whose end is acknowledged tells that end once', () => {
    const agent = new Agent();
    agent.launch('f1', 1);
    agent.run(FIRST);
    agent.exit(FIRST);
    agent.acknowledgeAll('f1');

    const effects = agent.launch('f1', 1);

    expect(effects).toMatchObject([
      { kind: 'tell-status', frameworkId: 'f1', status: { state: 'TASK_FINISHED' } },
    ]);
    expect(effects).toMatchObject([{ launchId: { epoch: 1, number: 1 } }]);
    expect(agent.state.tasks.size).toBe(0);
  });

  test('of a master that gives its launches no ids is the launch that is known', () => {
    const agent = new Agent();
    agent.launch('f1');
    expect(agent.launch('f1')).toEqual([]);
    agent.run(FIRST);
    agent.exit(FIRST);
    agent.acknowledgeAll('f1');

    expect(agent.launch('f1')).toMatchObject([{ kind: 'tell-status' }]);
  });
});

describe('an id that is launched anew', () => {
  test('after its end was acknowledged is a new run', () => {
    const agent = new Agent();
    agent.launch('f1', 1);
    agent.run(FIRST);
    agent.exit(FIRST);
    agent.acknowledgeAll('f1');

    const effects = agent.launch('f1', 2);
    agent.run(SECOND);

    expect(pick(effects, 'launch')).toMatchObject([{ run: SECOND }]);
    expect(agent.told()).toMatchObject([
      { state: 'TASK_RUNNING', launch_id: { epoch: 1, number: 2 } },
    ]);
  });

  test('before its acknowledgement has arrived drops what the earlier run still had to say', () => {
    const agent = new Agent();
    agent.launch('f1', 1);
    agent.run(FIRST);
    agent.exit(FIRST);
    const uuid = agent.state.tasks.get(FIRST)?.stream.pending[0]?.uuid ?? '';

    const effects = agent.launch('f1', 2);
    const late = agent.acknowledge('f1', uuid);

    expect(pick(effects, 'forget', 'launch')).toMatchObject([
      { kind: 'forget', run: FIRST },
      { kind: 'launch', run: SECOND },
    ]);
    expect(late).toEqual([]);
    expect([...agent.image.tasks.keys()]).toEqual([SECOND]);
  });

  test('while the master has given up a run that lives ends that one on its own', () => {
    const agent = new Agent();
    agent.launch('f1', 1);
    agent.run(FIRST);

    const effects = agent.launch('f1', 2);
    agent.run(SECOND);
    const told = agent.told();
    const ended = agent.exit(FIRST, 143);

    expect(pick(effects, 'kill', 'launch')).toMatchObject([
      { kind: 'kill', run: FIRST },
      { kind: 'launch', run: SECOND },
    ]);
    expect(told).toMatchObject([{ launch_id: { number: 2 } }]);
    expect(pick([...effects, ...ended], 'send-update')).toEqual([]);
    expect([...agent.state.tasks.keys()]).toEqual([SECOND]);
    expect(agent.state.tasks.get(SECOND)?.stream.latest?.state).toBe('TASK_RUNNING');
  });

  test('is not ended by a KILL of the earlier launch, nor by that one’s late end', () => {
    const agent = new Agent();
    agent.launch('f1', 1);
    agent.launch('f1', 2);
    agent.run(SECOND);

    const late = [...agent.kill('f1', 1), ...agent.exit(FIRST)];
    const killed = agent.kill('f1', 2);

    expect(pick(late, 'kill', 'send-update')).toEqual([]);
    expect(agent.state.tasks.get(SECOND)?.phase.kind).toBe('killing');
    expect(pick(killed, 'kill')).toMatchObject([{ run: SECOND }]);
  });

  test('whose earlier run is started late ends what was started', () => {
    const agent = new Agent();
    agent.launch('f1', 1);
    agent.launch('f1', 2);

    const late = agent.task(FIRST, { kind: 'launched', launched: { pid: 7 } });

    expect(pick(late, 'kill')).toMatchObject([{ run: FIRST }]);
    expect(agent.state.tasks.get(SECOND)?.phase.kind).toBe('launching');
  });
});

describe('an agent that starts again', () => {
  test('has both frameworks’ tasks of one id', () => {
    const before = new Agent();
    before.launch('f1', 1);
    before.launch('f2', 2);

    const agent = new Agent(before.image);
    agent.task(FIRST, { kind: 'reattached', launched: { pid: 7 } });
    agent.task(SECOND, { kind: 'reattached', launched: { pid: 8 } });

    expect(agent.told().map(({ framework_id, state }) => [framework_id.value, state])).toEqual([
      ['f1', 'TASK_RUNNING'],
      ['f2', 'TASK_RUNNING'],
    ]);
    expect(pick(agent.kill('f2'), 'kill')).toMatchObject([{ run: SECOND }]);
  });

  test('ends an earlier run of which it had not yet written that it is superseded', () => {
    const before = new Agent();
    before.launch('f1', 1);
    before.run(FIRST);
    const [record] = [before.image.tasks.get(FIRST)];
    before.launch('f1', 2);
    if (record !== undefined) before.image.tasks.set(FIRST, record);

    const agent = new Agent(before.image);
    const found = agent.task(FIRST, { kind: 'reattached', launched: { pid: 7 } });
    agent.exit(FIRST);

    expect(pick(found, 'kill')).toMatchObject([{ run: FIRST }]);
    expect(agent.told()).toMatchObject([{ launch_id: { number: 2 } }]);
    expect([...agent.state.tasks.keys()]).toEqual([SECOND]);
  });

  test('knows an acknowledged end again, and its launch', () => {
    const before = new Agent();
    before.launch('f1', 1);
    before.run(FIRST);
    before.exit(FIRST);
    before.acknowledgeAll('f1');

    const agent = new Agent(before.image);

    expect(agent.launch('f1', 1)).toMatchObject([{ kind: 'tell-status' }]);
    expect(pick(agent.launch('f1', 2), 'launch')).toHaveLength(1);
  });
});
