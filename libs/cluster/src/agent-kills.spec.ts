import { expect, it } from 'vitest';
import type { AgentMessageBody, FrameworkInfo, TaskInfo } from '#mesos-v1';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { emptyJournalImage } from './agent-records.js';
import { recoverAgent } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent } from './agent-state.js';
import { DEFAULT_TASK_OPTIONS } from './agent-task.js';

const now = { epochMs: 0, monoMs: 0 };
const task: TaskInfo = {
  name: 'web',
  task_id: { value: 'web' },
  agent_id: { value: 'a1' },
  resources: [],
  command: { value: 'sleep 100' },
};
const frameworkOf = (id: string): FrameworkInfo => ({ user: 'root', name: id, id: { value: id } });

/** A subscribed agent; answers each message with its effects. */
function subscribedAgent(): (body: AgentMessageBody) => readonly AgentEffect[] {
  let { state } = recoverAgent(
    { image: emptyJournalImage(), damaged: new Map() },
    {
      bootId: 'b',
      seed: Array(10).fill(1),
      now,
      options: {
        ...DEFAULT_TASK_OPTIONS,
        defaultKillGraceMs: 3_000,
        lanes: DEFAULT_LANE_LIMITS,
        hostAddress: '127.0.0.1',
        launchers: { process: { available: true }, docker: { available: false, reason: 'none' } },
      },
    },
  );
  const feed = (event: AgentEvent) => {
    const reduction = reduceAgent(state, event, now);
    state = reduction.state;
    return reduction.effects;
  };
  let sequence = 0;
  const send = (body: AgentMessageBody) => {
    sequence += 1;
    const message = { ...body, epoch: 1, stream_id: 's', sequence };
    return feed({ kind: 'message', connection: 1, message });
  };
  feed({ kind: 'link-opened', connection: 1 });
  send({
    type: 'SUBSCRIBED',
    subscribed: { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 },
  });
  return send;
}

it('a KILL of a task of which there is no record is answered, and ends no other of that id', () => {
  const send = subscribedAgent();
  send({ type: 'LAUNCH', launch: { framework: frameworkOf('f1'), task } });

  const kill = { framework_id: { value: 'f2' }, task_id: { value: 'web' } };
  const killed = send({ type: 'KILL', kill });

  expect(killed).toMatchObject([
    { kind: 'tell-status', frameworkId: 'f2', status: { state: 'TASK_LOST' } },
  ]);
});
