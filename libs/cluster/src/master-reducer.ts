import type { Now, Reduction, RegistrySnapshot } from '#core';
import { handleAgentCall } from './master-agent-calls.js';
import { closeAgentStream, loseAgent, removeGoneAgent, tickAgents } from './master-agent-loss.js';
import { collectForgotten } from './master-agent-removal.js';
import { connectAgent, recoverAgent, subscribeAgent } from './master-agents.js';
import {
  beginAllocationPause,
  isAllocationPaused,
  tickAllocationPause,
} from './master-allocation-pause.js';
import { tickArrivals } from './master-arrivals.js';
import { handleSchedulerCall } from './master-calls.js';
import { completeDrain, tickDrains } from './master-drain.js';
import type { MasterEffect, MasterEvent, MasterTurn } from './master-events.js';
import {
  abandonTeardown,
  closeFrameworkStream,
  connectFramework,
  recoverFramework,
  removeFramework,
  subscribeFramework,
  tickFrameworks,
} from './master-frameworks.js';
import { tickInverseOffers } from './master-inverse-offers.js';
import { makeOffers, rescindExpiredOffers } from './master-offers.js';
import {
  applyDecision,
  handleOperatorCall,
  judgeNext,
  recoverDecisions,
} from './master-operator.js';
import { tickStaging } from './master-staging.js';
import type { MasterState } from './master-state.js';
import { applyUpdate } from './master-update-framework.js';

/**
 * The master's state machine. Mutates `state`, which it owns (hot state), and returns it with the effects to carry out
 * in order. Frameworks: master-frameworks.ts; agents: master-agents.ts, master-agent-loss.ts; offers and tasks: their
 * ledgers. Handling an event costs no more than what it touches; `tick` is O(frameworks + agents).
 */
export function reduceMaster(
  state: MasterState,
  event: MasterEvent,
  now: Now,
): Reduction<MasterState, MasterEffect> {
  const turn: MasterTurn = { state, now, effects: [] };
  apply(turn, event);
  return { state, effects: turn.effects };
}

function apply(turn: MasterTurn, event: MasterEvent): void {
  switch (event.kind) {
    case 'recover':
      recover(turn, event.snapshot);
      return;
    case 'framework-subscribe':
      subscribeFramework(turn, event);
      return;
    case 'framework-stored':
      connectFramework(turn, event);
      return;
    case 'scheduler-call':
      handleSchedulerCall(turn, event);
      return;
    case 'framework-updated':
      applyUpdate(turn, event);
      return;
    case 'framework-stream-closed':
      closeFrameworkStream(turn, event.streamId);
      return;
    case 'framework-completed':
      removeFramework(turn, event);
      return;
    case 'operator-call':
      handleOperatorCall(turn, event);
      return;
    case 'operator-decided':
      applyDecision(turn, event);
      return;
    case 'agent-subscribe':
      subscribeAgent(turn, event);
      return;
    case 'agent-stored':
      connectAgent(turn, event);
      return;
    case 'agent-call':
      handleAgentCall(turn, event);
      return;
    case 'agent-stream-closed':
      closeAgentStream(turn, event.streamId);
      return;
    case 'agent-marked-unreachable':
      loseAgent(turn, event);
      return;
    case 'agent-marked-gone':
      removeGoneAgent(turn, event);
      return;
    case 'agent-drained':
      completeDrain(turn, event);
      return;
    case 'registry-unavailable':
      refuseForRegistry(turn, event);
      return;
    case 'tick':
      tick(turn, event);
      return;
    case 'allocate':
      if (isAllocationPaused(turn)) turn.state.isAllocationScheduled = false;
      else makeOffers(turn);
      return;
    default:
      event satisfies never;
  }
}

/** What the registry holds of earlier masters' time. */
function recover(turn: MasterTurn, snapshot: RegistrySnapshot): void {
  for (const record of snapshot.frameworks) recoverFramework(turn, record);
  for (const record of snapshot.agents) {
    recoverAgent(turn, record, snapshot.activations.get(record.id));
  }
  recoverDecisions(turn, snapshot);
  beginAllocationPause(turn);
}

/** About once a second. */
function tick(turn: MasterTurn, event: Extract<MasterEvent, { readonly kind: 'tick' }>): void {
  if (!event.isWritable) turn.state.lastUnwritableMonoMs = turn.now.monoMs;
  tickFrameworks(turn);
  tickAgents(turn);
  tickArrivals(turn);
  tickStaging(turn);
  tickDrains(turn);
  tickInverseOffers(turn);
  collectForgotten(turn);
  rescindExpiredOffers(turn);
  tickAllocationPause(turn);
}

function refuseForRegistry(
  turn: MasterTurn,
  event: Extract<MasterEvent, { readonly kind: 'registry-unavailable' }>,
): void {
  const { refusal, streamId, callId, frameworkId } = event;
  const message =
    refusal === undefined
      ? 'the registry is unavailable; try again'
      : `the registry cannot hold this: ${refusal}`;
  const status = refusal === undefined ? 503 : 400;
  if (frameworkId !== undefined) abandonTeardown(turn, frameworkId);
  if (streamId !== undefined) {
    turn.effects.push({ kind: 'refuse-stream', streamId, status, message });
  }
  if (callId !== undefined) turn.effects.push({ kind: 'answer-call', callId, status, message });
  if (event.isDecision === true) judgeNext(turn);
}
