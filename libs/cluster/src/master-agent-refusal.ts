import { removeAgent } from './master-agent-loss.js';
import type { MasterEvent, MasterTurn } from './master-events.js';

/** Agents that may not come, or not any more. */

/** An agent without its identity, at the address of one that is away: that one will not come back. */
export function removeReplaced(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-stored' }>,
): void {
  const { replaced } = event;
  const agent = replaced === undefined ? undefined : turn.state.agents.get(replaced);
  if (agent === undefined || agent.stream !== undefined) return;
  removeAgent(turn, agent, {
    message: `agent ${event.agentId} registered from the address of ${agent.id} (${agent.info.hostname})`,
  });
}

/** While its machine is down for maintenance: one that has an identity must end its tasks, any other has to wait. */
export function refuseDownMachine(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'agent-subscribe' }>,
): void {
  const { hostname, id } = event.subscription.agent_info;
  const message = `the machine ${hostname} is down for maintenance`;
  if (id === undefined) {
    turn.effects.push({ kind: 'refuse-stream', streamId: event.streamId, status: 503, message });
  } else turnAway(turn, event.streamId, { id: id.value, message });
}

/** An agent that must not come back under this id. */
export function turnAway(
  turn: MasterTurn,
  streamId: string,
  { id, message }: { readonly id: string; readonly message: string },
): void {
  turn.effects.push(
    {
      kind: 'send-to-agent',
      streamId,
      message: {
        epoch: turn.state.epoch,
        stream_id: streamId,
        sequence: 1,
        type: 'SUBSCRIBED',
        subscribed: {
          agent_id: { value: id },
          master_id: turn.state.masterId,
          ping_timeout_seconds: turn.state.config.agentTimeoutMs / 1000,
        },
      },
    },
    {
      kind: 'send-to-agent',
      streamId,
      message: {
        epoch: turn.state.epoch,
        stream_id: streamId,
        sequence: 2,
        type: 'SHUTDOWN',
        shutdown: { message },
      },
    },
    { kind: 'close-agent-stream', streamId },
  );
}
