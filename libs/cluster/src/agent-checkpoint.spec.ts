import { describe, expect, it } from 'vitest';
import type { AgentMessageBody, FrameworkInfo, TaskInfo, WireResource } from '#mesos-v1';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { emptyJournalImage } from './agent-records.js';
import { recoverAgent, toSubscribe } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentOptions } from './agent-state.js';
import { DEFAULT_TASK_OPTIONS } from './agent-task.js';

const OPTIONS: AgentOptions = {
  ...DEFAULT_TASK_OPTIONS,
  lanes: DEFAULT_LANE_LIMITS,
  hostAddress: '127.0.0.1',
  launchers: { process: { available: true }, docker: { available: false, reason: 'none' } },
};
const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f1' } };
const task = (id: string): TaskInfo => ({
  name: id,
  task_id: { value: id },
  agent_id: { value: 'a1' },
  resources: [],
  command: { value: 'sleep 1' },
});
const reserved: WireResource = {
  name: 'cpus',
  type: 'SCALAR',
  scalar: { value: 1 },
  reservations: [{ type: 'DYNAMIC', role: 'db' }],
};
const checkpoint: AgentMessageBody = {
  type: 'CHECKPOINT_RESOURCES',
  checkpoint_resources: { resources: [reserved] },
};

/** A subscribed agent that heard these messages; its state and what it had to do, in order. */
function hear(...bodies: readonly AgentMessageBody[]) {
  const now = { epochMs: 0, monoMs: 0 };
  let { state } = recoverAgent(
    { image: emptyJournalImage(), damaged: new Map() },
    { bootId: 'b', seed: Array(10).fill(1), options: OPTIONS, now },
  );
  const effects: AgentEffect[] = [];
  const feed = (event: Parameters<typeof reduceAgent>[1]) => {
    const reduced = reduceAgent(state, event, now);
    state = reduced.state;
    effects.push(...reduced.effects);
  };
  feed({ kind: 'link-opened', connection: 1 });
  const subscribed: AgentMessageBody = {
    type: 'SUBSCRIBED',
    subscribed: { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 },
  };
  for (const [index, body] of [subscribed, ...bodies].entries()) {
    const message = { ...body, epoch: 1, stream_id: 's', sequence: index + 1 };
    feed({ kind: 'message', connection: 1, message });
  }
  return { state, effects };
}

describe('the agent and its reservations', () => {
  it('writes a checkpoint down before it applies what follows, and confirms it then', () => {
    const { effects } = hear(checkpoint, {
      type: 'LAUNCH',
      launch: { framework, task: task('t') },
    });

    const kinds = effects.map(({ kind }) => kind);
    const persisted = effects.findIndex(
      (effect) => effect.kind === 'persist-identity' && effect.identity.checkpointedResources,
    );
    expect(persisted).toBeGreaterThan(0);
    expect(effects[persisted]).toMatchObject({ identity: { checkpointedResources: [reserved] } });
    expect(effects[persisted + 1]).toEqual({
      kind: 'send-checkpointed',
      streamId: 's',
      sequence: 2,
    });
    expect(kinds.indexOf('launch')).toBeGreaterThan(persisted);
  });

  it('reports what it has on its disk when it subscribes, after a restart too', () => {
    const { state } = hear(checkpoint);
    const restarted = recoverAgent(
      { identity: state.identity, image: emptyJournalImage(), damaged: new Map() },
      { bootId: 'b', seed: [], options: OPTIONS, now: { epochMs: 0, monoMs: 0 } },
    );
    const info = { hostname: 'h', port: 1, resources: [], attributes: [] };

    for (const one of [state, restarted.state]) {
      const call = toSubscribe(one, info, '1');
      expect(call.subscribe.checkpointed_resources).toEqual([reserved]);
    }
  });

  it('keeps them when it has to start over under another id: they are on its disk', () => {
    const { state } = hear(checkpoint, { type: 'SHUTDOWN', shutdown: { message: 'gone' } });

    expect(state.identity.agentId).toBeUndefined();
    expect(state.identity.checkpointedResources).toEqual([reserved]);
  });
});

describe('the agent and executors of a framework, which it has not got', () => {
  it('refuses every task of a group it cannot run: TASK_ERROR with REASON_TASK_GROUP_INVALID', () => {
    const volumes = [{ mode: 'RW' as const, container_path: 'x', host_path: '/x' }];
    const { effects } = hear({
      type: 'LAUNCH_GROUP',
      launch_group: {
        framework,
        executor: {
          executor_id: { value: 'e' },
          ...{ type: 'DEFAULT', resources: [], container: { type: 'MESOS', volumes } },
        },
        tasks: [task('t1'), task('t2')],
      },
    });

    const sent = effects.flatMap((effect) => (effect.kind === 'send-update' ? [effect] : []));
    expect(sent).toMatchObject([
      {
        status: {
          task_id: { value: 't1' },
          state: 'TASK_ERROR',
          reason: 'REASON_TASK_GROUP_INVALID',
        },
      },
      {
        status: {
          task_id: { value: 't2' },
          state: 'TASK_ERROR',
          reason: 'REASON_TASK_GROUP_INVALID',
        },
      },
    ]);
    expect(effects.some(({ kind }) => kind === 'launch')).toBe(false);
  });

  it('says that they are over when one is to be shut down, and drops their messages with a line in the log', () => {
    const ids = { framework_id: { value: 'f1' }, executor_id: { value: 'e' } };
    const { effects } = hear(
      { type: 'SHUTDOWN_EXECUTOR', shutdown_executor: ids },
      { type: 'MESSAGE', message: { ...ids, data: 'aGk=' } },
    );

    const lines = effects.flatMap((effect) => (effect.kind === 'log' ? [effect.message] : []));
    expect(lines.at(-1)).toBe('dropped a message: executor e of f1 is not subscribed');
    expect(effects).toContainEqual(
      expect.objectContaining({ kind: 'send-executor-exit', executorId: 'e', status: -1 }),
    );
  });
});
