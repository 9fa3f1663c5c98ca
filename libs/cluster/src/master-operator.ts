import { agentId, frameworkId, type RegistrySnapshot } from '#core';
import type { OperatorMutation } from '#mesos-v1';
import { markAgentGone } from './master-agent-loss.js';
import { applyActivation, decideActivation } from './master-drain.js';
import type { MasterTurn } from './master-events.js';
import { completeFramework } from './master-frameworks.js';
import { applyMaintenance, decideMaintenance } from './master-maintenance.js';
import type {
  OperatorCallEvent,
  OperatorDecision,
  OperatorVerdict,
} from './master-operator-decision.js';
import { convertForOperator } from './master-operator-resources.js';
import { applyQuotas, decideQuota } from './master-quota.js';
import { applyWeights, decideWeights } from './master-weights.js';

/** Calls that may wait; more are answered 503. */
const MAX_WAITING = 1_000;

/** Operator calls are judged one after another: while a decision is being stored the next ones wait. */
export function handleOperatorCall(turn: MasterTurn, event: OperatorCallEvent): void {
  const { operator } = turn.state;
  if (!operator.isDeciding) {
    judge(turn, event);
    return;
  }
  if (operator.waiting.length < MAX_WAITING) operator.waiting.push(event);
  else {
    const message = `${MAX_WAITING} operator calls are waiting; try again`;
    turn.effects.push({ kind: 'answer-call', callId: event.callId, status: 503, message });
  }
}

/** The registry has the decision: it takes effect, the call is answered, the next one is judged. */
export function applyDecision(
  turn: MasterTurn,
  event: { readonly callId: string; readonly decision: OperatorDecision },
): void {
  apply(turn, event.decision);
  turn.effects.push({ kind: 'answer-call', callId: event.callId, status: 200 });
  judgeNext(turn);
}

/** A decision was stored, or could not be: goes on with what waits. */
export function judgeNext(turn: MasterTurn): void {
  const { operator } = turn.state;
  operator.isDeciding = false;
  for (;;) {
    if (operator.isDeciding) return;
    const next = operator.waiting.shift();
    if (next === undefined) return;
    judge(turn, next);
  }
}

/** What earlier masters were told; agents' activations are recovered with the agents. */
export function recoverDecisions(turn: MasterTurn, snapshot: RegistrySnapshot): void {
  const { operator, allocator } = turn.state;
  for (const [role, weight] of snapshot.weights) {
    operator.weights.set(role, weight);
    allocator.setWeight(role, weight);
  }
  for (const quota of snapshot.quotas) {
    operator.quotas.set(quota.role, quota);
    allocator.setQuota(quota.role, quota);
  }
  applyMaintenance(turn, snapshot.maintenance);
}

function judge(turn: MasterTurn, event: OperatorCallEvent): void {
  const { callId, call } = event;
  if (call.type === 'TEARDOWN') {
    tearDown(turn, callId, call.teardown.framework_id.value);
    return;
  }
  if (call.type === 'MARK_AGENT_GONE') {
    markAgentGone(turn, { callId, agentId: agentId(call.mark_agent_gone.agent_id.value) });
    return;
  }
  const verdict = decide(turn, { ...event, call });
  if (verdict.kind === 'answer') {
    const { kind: _, ...answer } = verdict;
    turn.effects.push({ kind: 'answer-call', callId, ...answer });
    return;
  }
  turn.state.operator.isDeciding = true;
  turn.effects.push({
    kind: 'commit-registry',
    changes: verdict.changes,
    stored: { kind: 'operator-decided', callId, decision: verdict.decision },
    unavailable: { kind: 'registry-unavailable', callId, isDecision: true },
  });
}

type Decidable = Exclude<OperatorMutation, { readonly type: 'TEARDOWN' | 'MARK_AGENT_GONE' }>;

function decide(
  turn: MasterTurn,
  { call, principal }: { readonly call: Decidable; readonly principal?: string },
): OperatorVerdict {
  switch (call.type) {
    case 'UPDATE_WEIGHTS':
      return decideWeights(turn.state, call.update_weights.weight_infos);
    case 'UPDATE_QUOTA':
    case 'SET_QUOTA':
    case 'REMOVE_QUOTA':
      return decideQuota(turn.state, call);
    case 'DRAIN_AGENT':
    case 'DEACTIVATE_AGENT':
    case 'REACTIVATE_AGENT':
      return decideActivation(turn, call);
    case 'UPDATE_MAINTENANCE_SCHEDULE':
    case 'START_MAINTENANCE':
    case 'STOP_MAINTENANCE':
      return decideMaintenance(turn.state, call);
    case 'RESERVE_RESOURCES':
    case 'UNRESERVE_RESOURCES':
    case 'CREATE_VOLUMES':
    case 'DESTROY_VOLUMES':
    case 'GROW_VOLUME':
    case 'SHRINK_VOLUME':
      return convertForOperator(turn, { call, ...(principal === undefined ? {} : { principal }) });
    default:
      return call satisfies never;
  }
}

function apply(turn: MasterTurn, decision: OperatorDecision): void {
  switch (decision.kind) {
    case 'activation':
      applyActivation(turn, decision);
      return;
    case 'weights':
      applyWeights(turn, decision.weights);
      return;
    case 'quotas':
      applyQuotas(turn, decision);
      return;
    case 'maintenance':
      applyMaintenance(turn, decision.maintenance);
      return;
    default:
      decision satisfies never;
  }
}

function tearDown(turn: MasterTurn, callId: string, id: string): void {
  const framework = turn.state.frameworks.get(frameworkId(id));
  if (framework === undefined || framework.isRemoving) {
    const message = `No framework found with ID ${id}`;
    turn.effects.push({ kind: 'answer-call', callId, status: 400, message });
    return;
  }
  completeFramework(turn, framework, { callId });
}
