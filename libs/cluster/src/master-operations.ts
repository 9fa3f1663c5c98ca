import {
  addResources,
  assert,
  containsResources,
  formatResources,
  type Resources,
  type RoleName,
  subtractResources,
} from '#core';
import { encodeResources, type OfferOperation } from '#mesos-v1';
import { sendToAgent } from './master-agent-messages.js';
import type { MasterTurn } from './master-events.js';
import { touchAgent } from './master-observation.js';
import { addOperation, checkOperationId, refuseOperation } from './master-operation-feedback.js';
import type { Agent, Framework, Operation } from './master-state.js';
import {
  type Conversion,
  checkpointedOf,
  findUnlikeVolume,
  planCreate,
  planDestroy,
  planGrow,
  planReserve,
  planShrink,
  planUnreserve,
  volumesOf,
} from './resource-conversion.js';

/** RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME, SHRINK_VOLUME. */
export type ConvertingOperation = Exclude<
  OfferOperation,
  { readonly type: 'LAUNCH' | 'LAUNCH_GROUP' }
>;

/** Where operations of one call happen, and what of them the agent has not been sent yet. */
export interface OperationSite {
  readonly framework: Framework;
  readonly agent: Agent;
  readonly role: RoleName;
  readonly unsent: { isChanged: boolean; readonly operations: Operation[] };
}

/**
 * Applies one operation to the ledger: the agent's total and what is allocated change traits, quantities stay. What
 * cannot be applied is dropped, with OPERATION_ERROR when it has an id. Returns what is left of the offer.
 */
export function applyConversion(
  turn: MasterTurn,
  site: OperationSite,
  operation: ConvertingOperation,
  rest: Resources,
): Resources {
  const { framework, agent } = site;
  const plan = planOperation(site, operation);
  const id = operation.id?.value;
  const problem =
    (id === undefined ? undefined : checkOperationId(framework, id)) ??
    findProblem(plan, agent, rest);
  if (problem !== undefined || plan.kind === 'invalid') {
    drop(turn, site, operation, problem ?? 'cannot be applied');
    return rest;
  }
  const { consumed, converted } = plan;
  convertOnAgent(turn, site, { consumed, converted });
  site.unsent.isChanged = true;
  if (id !== undefined) {
    site.unsent.operations.push(addOperation(framework, agent, { id, converted }));
  }
  return addResources(subtractResources(rest, consumed), converted);
}

/** The agent has to have it on its disk before anything that is launched on it. */
export function flushCheckpoint(turn: MasterTurn, site: OperationSite): void {
  const { unsent, agent } = site;
  if (!unsent.isChanged) return;
  unsent.isChanged = false;
  sendCheckpoint(turn, agent, unsent.operations.splice(0));
}

/** Sends all reservations and volumes of the agent; `operations` are finished when it confirms. */
export function sendCheckpoint(
  turn: MasterTurn,
  agent: Agent,
  operations: Iterable<Operation>,
): void {
  const position = sendToAgent(turn, agent, {
    type: 'CHECKPOINT_RESOURCES',
    checkpoint_resources: {
      resources: encodeResources(checkpointedOf(agent.total), { isRefined: true }),
    },
  });
  if (position === undefined) return;
  for (const operation of operations) operation.position = position;
}

function planOperation(site: OperationSite, operation: ConvertingOperation): Conversion {
  const { framework, agent, role } = site;
  const { principal } = framework.info;
  const asker = {
    ...(principal === undefined ? {} : { principal }),
    allocationRole: role,
    mayRefine: framework.capabilities.has('RESERVATION_REFINEMENT'),
  };
  switch (operation.type) {
    case 'RESERVE':
      return planReserve(operation.reserve.resources, asker);
    case 'UNRESERVE':
      return planUnreserve(operation.unreserve.resources);
    case 'CREATE':
      return planCreate(operation.create.volumes, asker, agent.total);
    case 'DESTROY':
      return planDestroy(operation.destroy.volumes, agent.total);
    case 'GROW_VOLUME':
      return planGrow(operation.grow_volume.volume, operation.grow_volume.addition, agent.total);
    case 'SHRINK_VOLUME': {
      const { volume, subtract } = operation.shrink_volume;
      return planShrink(volume, subtract, agent.total);
    }
    default:
      return operation satisfies never;
  }
}

function findProblem(plan: Conversion, agent: Agent, rest: Resources): string | undefined {
  if (plan.kind === 'invalid') return plan.message;
  if (containsResources(rest, plan.consumed)) return findUnlikeVolume(plan.consumed, rest);
  const inUse = findVolumeInUse(plan.consumed, agent);
  return (
    inUse ??
    `needs ${formatResources(plan.consumed)}, more than the offered ${formatResources(rest)}`
  );
}

/** A task that holds one of the volumes, named for the message. */
export function findVolumeInUse(consumed: Resources, agent: Agent): string | undefined {
  for (const { key, id } of volumesOf(consumed)) {
    for (const task of agent.tasks) {
      if (task.holdsResources && Object.hasOwn(task.resources.scalars, key)) {
        return `volume ${id} is in use by task ${task.id}`;
      }
    }
    for (const executor of agent.executors.values()) {
      if (Object.hasOwn(executor.resources.scalars, key)) {
        return `volume ${id} is in use by executor ${executor.id}`;
      }
    }
  }
  return undefined;
}

function convertOnAgent(
  turn: MasterTurn,
  { framework, agent, role }: OperationSite,
  change: { readonly consumed: Resources; readonly converted: Resources },
): void {
  const { consumed, converted } = change;
  const { allocator } = turn.state;
  touchAgent(turn.state, agent);
  agent.total = addResources(subtractResources(agent.total, consumed), converted);
  agent.isCheckpointOurs = true;
  const holder = { frameworkId: framework.id, role };
  const isConverted = allocator.convert(agent.id, holder, consumed, converted);
  assert(isConverted, `agent ${agent.id}: what is converted is not allocated to ${role}`);
}

function drop(
  turn: MasterTurn,
  { framework, agent }: OperationSite,
  operation: ConvertingOperation,
  problem: string,
): void {
  const message = `${operation.type}: ${problem}`;
  turn.effects.push({
    kind: 'note',
    level: 'warn',
    message: 'operation dropped',
    fields: { frameworkId: framework.id, agentId: agent.id, problem: message },
  });
  const id = operation.id?.value;
  refuseOperation(turn, framework, {
    id,
    state: 'OPERATION_ERROR',
    message,
    agentId: agent.id,
  });
}
