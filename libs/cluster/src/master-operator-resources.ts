import {
  addResources,
  agentId,
  containsResources,
  formatResources,
  type Resources,
  subtractResources,
} from '#core';
import type { OperatorMutation, WireResource } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import { touchAgent } from './master-observation.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import { findVolumeInUse, sendCheckpoint } from './master-operations.js';
import { type OperatorVerdict, refuse } from './master-operator-decision.js';
import type { Agent } from './master-state.js';
import {
  type Conversion,
  type ConversionAsker,
  planCreate,
  planDestroy,
  planGrow,
  planReserve,
  planShrink,
  planUnreserve,
} from './resource-conversion.js';

/**
 * Reservations and volumes by an operator's word: of what is free on the agent, offers of it being rescinded first. The
 * ledger changes at once and the agent is told; it holds them on its disk, and brings them back when it reregisters.
 */

type ResourceCall = Extract<
  OperatorMutation,
  {
    readonly type:
      | 'RESERVE_RESOURCES'
      | 'UNRESERVE_RESOURCES'
      | 'CREATE_VOLUMES'
      | 'DESTROY_VOLUMES'
      | 'GROW_VOLUME'
      | 'SHRINK_VOLUME';
  }
>;

export function convertForOperator(
  turn: MasterTurn,
  given: { readonly call: ResourceCall; readonly principal?: string },
): OperatorVerdict {
  const { call, principal } = given;
  const id = agentId(idOf(call));
  const agent = turn.state.agents.get(id);
  if (agent === undefined) return refuse(400, `No agent found with ID ${id}`);
  if (agent.condition !== 'connected') {
    return refuse(409, `Agent ${id} is ${agent.condition}; its resources cannot be changed now`);
  }
  const asker = { mayRefine: true, ...(principal === undefined ? {} : { principal }) };
  const plan = planCall(call, agent, asker);
  if (plan.kind === 'invalid') return refuse(400, `${call.type}: ${plan.message}`);
  const { consumed, converted } = plan;
  freeResources(turn, agent, consumed);
  const available = turn.state.allocator.availableOn(id);
  if (!containsResources(available, consumed)) {
    const inUse = findVolumeInUse(consumed, agent);
    return refuse(
      409,
      inUse ??
        `agent ${id} has ${formatResources(available)} free, which does not contain ${formatResources(consumed)}`,
    );
  }
  if (!turn.state.allocator.convert(id, undefined, consumed, converted)) {
    return refuse(409, `${formatResources(converted)} would put a role above its quota limit`);
  }
  touchAgent(turn.state, agent);
  agent.total = addResources(subtractResources(agent.total, consumed), converted);
  agent.isCheckpointOurs = true;
  sendCheckpoint(turn, agent, []);
  scheduleAllocation(turn);
  return { kind: 'answer', status: 202 };
}

function planCall(call: ResourceCall, agent: Agent, asker: ConversionAsker): Conversion {
  switch (call.type) {
    case 'RESERVE_RESOURCES': {
      const { resources, source } = call.reserve_resources;
      return source === undefined || source.length === 0
        ? planReserve(resources, asker)
        : planChange(source, resources, asker);
    }
    case 'UNRESERVE_RESOURCES':
      return planUnreserve(call.unreserve_resources.resources);
    case 'CREATE_VOLUMES':
      return planCreate(call.create_volumes.volumes, asker, agent.total);
    case 'DESTROY_VOLUMES':
      return planDestroy(call.destroy_volumes.volumes, agent.total);
    case 'GROW_VOLUME':
      return planGrow(call.grow_volume.volume, call.grow_volume.addition, agent.total);
    case 'SHRINK_VOLUME':
      return planShrink(call.shrink_volume.volume, call.shrink_volume.subtract, agent.total);
    default:
      return call satisfies never;
  }
}

/** One reservation instead of another, in one step: nobody can take the resources in between. */
function planChange(
  source: readonly WireResource[],
  target: readonly WireResource[],
  asker: ConversionAsker,
): Conversion {
  const undone = planUnreserve(source);
  const made = planReserve(target, asker);
  if (undone.kind === 'invalid') return { ...undone, message: `source: ${undone.message}` };
  if (made.kind === 'invalid') return made;
  const isSame =
    containsResources(undone.converted, made.consumed) &&
    containsResources(made.consumed, undone.converted);
  return isSame
    ? { kind: 'converted', consumed: undone.consumed, converted: made.converted }
    : {
        kind: 'invalid',
        message: 'source and resources differ in more than their last reservation',
      };
}

/** Rescinds offers of the agent that hold any of it, until enough is free. */
function freeResources(turn: MasterTurn, agent: Agent, wanted: Resources): void {
  const keys = [...Object.keys(wanted.scalars), ...Object.keys(wanted.ranges)];
  for (const offer of [...agent.offers]) {
    if (containsResources(turn.state.allocator.availableOn(agent.id), wanted)) return;
    const { scalars, ranges } = offer.resources;
    if (keys.some((key) => Object.hasOwn(scalars, key) || Object.hasOwn(ranges, key))) {
      rescindOffer(turn, offer);
    }
  }
}

function idOf(call: ResourceCall): string {
  switch (call.type) {
    case 'RESERVE_RESOURCES':
      return call.reserve_resources.agent_id.value;
    case 'UNRESERVE_RESOURCES':
      return call.unreserve_resources.agent_id.value;
    case 'CREATE_VOLUMES':
      return call.create_volumes.agent_id.value;
    case 'DESTROY_VOLUMES':
      return call.destroy_volumes.agent_id.value;
    case 'GROW_VOLUME':
      return call.grow_volume.agent_id.value;
    case 'SHRINK_VOLUME':
      return call.shrink_volume.agent_id.value;
    default:
      return call satisfies never;
  }
}
