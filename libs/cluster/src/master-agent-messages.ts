import type { AgentMessageBody, IdValue, LaunchId, StreamPosition } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import type { Agent, Framework, Task } from './master-state.js';

/** Sends a message on the agent's current stream, numbered; undefined when it has none. */
export function sendToAgent(
  turn: MasterTurn,
  agent: Agent,
  body: AgentMessageBody,
): StreamPosition | undefined {
  if (agent.stream === undefined) return undefined;
  const position: StreamPosition = {
    epoch: turn.state.epoch,
    stream_id: agent.stream.id,
    sequence: agent.stream.nextSequence,
  };
  agent.stream.nextSequence += 1;
  turn.effects.push({
    kind: 'send-to-agent',
    streamId: agent.stream.id,
    message: { ...position, ...body },
  });
  return position;
}

/** Closes the agent's stream; the caller decides what becomes of the agent. */
export function dropStream(turn: MasterTurn, agent: Agent): void {
  if (agent.stream === undefined) return;
  turn.effects.push({ kind: 'close-agent-stream', streamId: agent.stream.id });
  turn.state.agentStreams.delete(agent.stream.id);
  delete agent.stream;
}

/**
 * LAUNCH, or the LAUNCH_GROUP of the task's whole group, once a stream. The position is kept until the agent is known to
 * have it, so that it is neither lost nor applied twice.
 */
export function sendLaunch(turn: MasterTurn, agent: Agent, framework: Framework, task: Task): void {
  const { group } = task;
  const sentWith = group?.tasks.find(
    ({ launchPosition }) =>
      launchPosition !== undefined && launchPosition.stream_id === agent.stream?.id,
  );
  const position = sentWith?.launchPosition ?? sendToAgent(turn, agent, launchOf(framework, task));
  if (position !== undefined) task.launchPosition = position;
}

/** The agent is known to have the task, and so all of its group: its launch is not sent again. */
export function noteLaunched(task: Task): void {
  for (const one of task.group?.tasks ?? [task]) delete one.launchPosition;
}

function launchOf(
  framework: Framework,
  { info, group, launchId, executorLaunchId }: Task,
): AgentMessageBody {
  const launch = {
    ...(launchId === undefined ? {} : { launch_id: launchId }),
    ...(executorLaunchId === undefined ? {} : { executor_launch_id: executorLaunchId }),
  };
  if (group === undefined) {
    return { type: 'LAUNCH', launch: { framework: framework.info, task: info, ...launch } };
  }
  return {
    type: 'LAUNCH_GROUP',
    launch_group: {
      framework: framework.info,
      executor: group.executor,
      tasks: group.tasks.map((task) => task.info),
      ...launch,
    },
  };
}

/** KILL; remembered on the task until it is terminal, and sent again to an agent that did not apply it. */
export function sendKill(turn: MasterTurn, agent: Agent, task: Task): void {
  if (task.kill === undefined) return;
  const position = sendToAgent(turn, agent, {
    type: 'KILL',
    kill: {
      framework_id: { value: task.frameworkId },
      task_id: { value: task.id },
      ...(task.kill.policy === undefined ? {} : { kill_policy: task.kill.policy }),
      ...(task.launchId === undefined ? {} : { launch_id: task.launchId }),
    },
  });
  if (position !== undefined) task.kill.position = position;
}

/** KILL of what an agent has and the ledger has not; best effort, it is sent again when the agent speaks of it again. */
export function sendKillOfLaunch(
  turn: MasterTurn,
  agent: Agent,
  given: {
    readonly framework_id: IdValue;
    readonly task_id: IdValue;
    readonly launch_id: LaunchId | undefined;
  },
): void {
  const { framework_id, task_id, launch_id } = given;
  const launch = launch_id === undefined ? {} : { launch_id };
  sendToAgent(turn, agent, { type: 'KILL', kill: { framework_id, task_id, ...launch } });
}

/**
 * Whether the agent, which says where it stopped, has applied the message sent at `sent`. Positions on an older stream
 * than the agent's last one cannot occur: what is in flight is sent again, and so re-numbered, on each new stream.
 */
export const wasApplied = (
  sent: StreamPosition,
  lastApplied: StreamPosition | undefined,
): boolean =>
  lastApplied !== undefined &&
  sent.epoch === lastApplied.epoch &&
  sent.stream_id === lastApplied.stream_id &&
  sent.sequence <= lastApplied.sequence;
