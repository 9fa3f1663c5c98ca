import { agentId, type Resources } from '#core';
import { encodeResources, type OperationStatus, type SchedulerCall } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import {
  type Agent,
  type Framework,
  MAX_OPERATIONS_PER_FRAMEWORK,
  type Operation,
} from './master-state.js';
import { nextUuid, UUID_SEED_BYTES } from './update-stream-uuid.js';

/**
 * What becomes of operations that have an id. OPERATION_PENDING until the agent has confirmed that it is on its disk,
 * then OPERATION_FINISHED, told until acknowledged. The ledger of operations is this master's own: a later one answers
 * OPERATION_UNKNOWN, and what the operation did shows in the offers.
 */

type ReconcileCall = Extract<
  SchedulerCall,
  { readonly type: 'RECONCILE_OPERATIONS' }
>['reconcile_operations'];

/** States nobody leaves. OPERATION_UNREACHABLE is left when the agent comes back. */
type OperationState =
  | 'OPERATION_PENDING'
  | 'OPERATION_FINISHED'
  | 'OPERATION_ERROR'
  | 'OPERATION_DROPPED'
  | 'OPERATION_UNREACHABLE'
  | 'OPERATION_GONE_BY_OPERATOR'
  | 'OPERATION_RECOVERING'
  | 'OPERATION_UNKNOWN';

/** An operation that was applied to the ledger and now has to reach the agent's disk. */
export function addOperation(
  framework: Framework,
  agent: Agent,
  given: { readonly id: string; readonly converted: Resources },
): Operation {
  const operation: Operation = {
    ...given,
    frameworkId: framework.id,
    agentId: agent.id,
    status: {
      operation_id: { value: given.id },
      state: 'OPERATION_PENDING',
      agent_id: { value: agent.id },
    },
  };
  framework.operations.set(operation.id, operation);
  agent.pendingOperations.add(operation);
  return operation;
}

/** Why no operation of this id can be taken; undefined: it can. */
export function checkOperationId(framework: Framework, id: string): string | undefined {
  if (framework.operations.has(id)) {
    return `operation ${id} exists already and its end is not acknowledged`;
  }
  return framework.operations.size < MAX_OPERATIONS_PER_FRAMEWORK
    ? undefined
    : `${MAX_OPERATIONS_PER_FRAMEWORK} operations are not acknowledged; no more are taken`;
}

/** Tells how an operation went that is not in the ledger: without a uuid, so not to be acknowledged. */
export function refuseOperation(
  turn: MasterTurn,
  framework: Framework,
  refused: {
    readonly id: string | undefined;
    readonly state: 'OPERATION_ERROR' | 'OPERATION_DROPPED';
    readonly message: string;
    readonly agentId?: string;
  },
): void {
  if (refused.id === undefined) return;
  tell(turn, framework, {
    operation_id: { value: refused.id },
    state: refused.state,
    message: refused.message,
    ...(refused.agentId === undefined ? {} : { agent_id: { value: refused.agentId } }),
  });
}

/** The agent has everything up to `sequence` of its stream on its disk. */
export function confirmOperations(turn: MasterTurn, agent: Agent, sequence: number): void {
  for (const operation of [...agent.pendingOperations]) {
    const { position } = operation;
    if (position?.stream_id !== agent.stream?.id || (position?.sequence ?? 0) > sequence) continue;
    agent.pendingOperations.delete(operation);
    finish(turn, operation);
  }
}

/** The agent is unreachable, or gone for good, with what it had not confirmed. */
export function loseOperations(
  turn: MasterTurn,
  agent: Agent,
  state: 'OPERATION_UNREACHABLE' | 'OPERATION_GONE_BY_OPERATOR',
): void {
  for (const operation of agent.pendingOperations) {
    const framework = turn.state.frameworks.get(operation.frameworkId);
    operation.status = { ...operation.status, state };
    if (framework === undefined) continue;
    tell(turn, framework, operation.status);
    if (state === 'OPERATION_GONE_BY_OPERATOR') framework.operations.delete(operation.id);
  }
  if (state === 'OPERATION_GONE_BY_OPERATOR') agent.pendingOperations.clear();
}

/** ACKNOWLEDGE_OPERATION_STATUS ends what was told with this uuid; anything else is ignored. */
export function acknowledgeOperation(
  framework: Framework,
  acknowledged: { readonly operationId: string; readonly uuid: string },
): void {
  const operation = framework.operations.get(acknowledged.operationId);
  if (operation?.status.uuid !== acknowledged.uuid) return;
  framework.operations.delete(operation.id);
}

/** What a framework that comes back has not acknowledged is told again. */
export function resendOperations(turn: MasterTurn, framework: Framework): void {
  for (const { status } of framework.operations.values()) {
    if (status.uuid !== undefined) tell(turn, framework, status);
  }
}

/** RECONCILE_OPERATIONS. An empty list asks for all; answers have no uuid. */
export function reconcileOperations(
  turn: MasterTurn,
  framework: Framework,
  { operations }: ReconcileCall,
): void {
  if (operations.length === 0) {
    for (const { status } of framework.operations.values()) answer(turn, framework, status);
    return;
  }
  for (const { operation_id, agent_id } of operations) {
    const known = framework.operations.get(operation_id.value);
    if (known !== undefined) {
      answer(turn, framework, known.status);
      continue;
    }
    answer(turn, framework, {
      operation_id,
      state: judgeUnknown(turn, agent_id?.value),
      ...(agent_id === undefined ? {} : { agent_id }),
    });
  }
}

function judgeUnknown({ state }: MasterTurn, asked: string | undefined): OperationState {
  if (asked === undefined) {
    return state.recoveringAgents > 0 ? 'OPERATION_RECOVERING' : 'OPERATION_UNKNOWN';
  }
  const id = agentId(asked);
  if (state.goneAgents.has(id)) return 'OPERATION_GONE_BY_OPERATOR';
  switch (state.agents.get(id)?.condition) {
    case 'recovering':
      return 'OPERATION_RECOVERING';
    case 'unreachable':
      return 'OPERATION_UNREACHABLE';
    default:
      return 'OPERATION_UNKNOWN';
  }
}

function finish(turn: MasterTurn, operation: Operation): void {
  const framework = turn.state.frameworks.get(operation.frameworkId);
  if (framework?.operations.get(operation.id) !== operation) return;
  const converted_resources = encodeResources(operation.converted, {
    isRefined: framework.capabilities.has('RESERVATION_REFINEMENT'),
  });
  operation.status = {
    ...operation.status,
    state: 'OPERATION_FINISHED',
    converted_resources,
    uuid: newUuid(turn),
  };
  tell(turn, framework, operation.status);
}

/** Unique over all masters of a cluster: the epoch is, and the number within it. */
function newUuid({ state }: MasterTurn): string {
  const seed = Array.from(
    { length: UUID_SEED_BYTES },
    (_, place) => Math.floor(state.epoch / 256 ** (UUID_SEED_BYTES - 1 - place)) % 256,
  );
  const source = { seed, count: state.nextOperationNumber };
  state.nextOperationNumber += 1;
  return nextUuid(source);
}

function answer(turn: MasterTurn, framework: Framework, status: OperationStatus): void {
  const { uuid: _, ...rest } = status;
  tell(turn, framework, rest);
}

function tell(turn: MasterTurn, framework: Framework, status: OperationStatus): void {
  if (framework.streamId === undefined) return;
  turn.effects.push({
    kind: 'send-to-framework',
    streamId: framework.streamId,
    event: { type: 'UPDATE_OPERATION_STATUS', update_operation_status: { status } },
  });
}
