import { subtractUpTo } from '#allocator';
import { addResources, noResources, offerId, type Resources, subtractResources } from '#core';
import type { OfferOperation, SchedulerCall, TaskInfo } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import { type LaunchRefusal, launchGroup, launchTask, refuseTask } from './master-launch.js';
import { releaseOffer, takeOffer, toFilterMs } from './master-offers.js';
import { refuseOperation } from './master-operation-feedback.js';
import { applyConversion, flushCheckpoint, type OperationSite } from './master-operations.js';
import type { Framework, Offer } from './master-state.js';
import { stateFor } from './master-tasks.js';

type AcceptCall = Extract<SchedulerCall, { readonly type: 'ACCEPT' }>['accept'];

/**
 * ACCEPT: consumes the offers, applies the operations in order, each to what the ones before it left and made, and gives
 * the rest back. All or nothing per call as to the offers (one invalid id drops the call), operation by operation and
 * task by task as to the rest. Without anything to launch or convert it is a DECLINE.
 */
export function acceptOffers(turn: MasterTurn, framework: Framework, accept: AcceptCall): void {
  const { offers, problem } = checkOffers(turn, framework, accept);
  for (const offer of offers) takeOffer(turn, offer.id);
  const [first] = offers;
  const agent = first === undefined ? undefined : turn.state.agents.get(first.agentId);
  const isLost = agent?.condition !== 'connected';
  if (problem !== undefined || first === undefined || agent === undefined || isLost) {
    for (const offer of offers) releaseOffer(turn, offer);
    refuseAll(turn, framework, accept, {
      state: stateFor(framework, 'TASK_DROPPED'),
      reason: problem === undefined ? 'REASON_AGENT_DISCONNECTED' : 'REASON_INVALID_OFFERS',
      message: problem ?? 'the agent is disconnected',
    });
    return;
  }
  const isDecline = !hasWork(accept);
  const { counters } = turn.state;
  if (isDecline) counters.offersDeclined += offers.length;
  else counters.offersAccepted += offers.length;
  framework.silences = 0;
  const offered = offers.reduce<Resources>(
    (sum, offer) => addResources(sum, offer.resources),
    noResources,
  );
  const site: OperationSite = {
    framework,
    agent,
    role: first.role,
    unsent: { isChanged: false, operations: [] },
  };
  const rest = applyOperations(turn, site, accept.operations ?? [], offered);
  flushCheckpoint(turn, site);
  if (!isDecline) turn.state.allocator.accepted(framework.id, first.role);
  // The refusal is of what was offered and left unused, not of what this call made of it.
  const made = subtractUpTo(rest, offered);
  const refuseMs = toFilterMs(turn, accept.filters, { isDecline });
  releaseOffer(turn, first, { resources: subtractResources(rest, made), refuseMs });
  releaseOffer(turn, first, { resources: made });
}

/** Offers are the framework's own and outstanding, of one agent and one role, each given once. */
function checkOffers(
  turn: MasterTurn,
  framework: Framework,
  accept: AcceptCall,
): { readonly offers: readonly Offer[]; readonly problem?: string } {
  const offers = new Set<Offer>();
  let problem: string | undefined;
  if (accept.offer_ids.length === 0) problem = 'no offer ids';
  for (const { value } of accept.offer_ids) {
    const offer = turn.state.offers.get(offerId(value));
    if (offer?.frameworkId !== framework.id) {
      problem ??= `offer ${value.slice(0, MAX_ECHO)} is not outstanding`;
      continue;
    }
    if (offers.has(offer)) problem ??= `offer ${value} is given twice`;
    offers.add(offer);
  }
  const [first] = offers;
  for (const offer of offers) {
    if (offer.agentId !== first?.agentId) problem ??= 'the offers are of different agents';
    if (offer.role !== first?.role) problem ??= 'the offers are of different roles';
  }
  return { offers: [...offers], ...(problem === undefined ? {} : { problem }) };
}

const MAX_ECHO = 128;

const hasWork = ({ operations = [] }: AcceptCall): boolean =>
  operations.some((operation) => !isLaunch(operation) || tasksOf(operation).length > 0);

/** Returns what is left of the offer. */
function applyOperations(
  turn: MasterTurn,
  site: OperationSite,
  operations: readonly OfferOperation[],
  offered: Resources,
): Resources {
  let rest = offered;
  for (const operation of operations) {
    if (!isLaunch(operation)) {
      rest = applyConversion(turn, site, operation, rest);
      continue;
    }
    if (operation.id !== undefined) {
      refuseWithId(turn, site.framework, operation);
      continue;
    }
    if (operation.type === 'LAUNCH') {
      for (const info of operation.launch.task_infos) rest = launchTask(turn, site, info, rest);
    } else rest = launchGroup(turn, site, operation.launch_group, rest);
  }
  return rest;
}

type Launch = Extract<OfferOperation, { readonly type: 'LAUNCH' | 'LAUNCH_GROUP' }>;

const isLaunch = (operation: OfferOperation): operation is Launch =>
  operation.type === 'LAUNCH' || operation.type === 'LAUNCH_GROUP';

const tasksOf = (operation: OfferOperation): readonly TaskInfo[] => {
  if (operation.type === 'LAUNCH') return operation.launch.task_infos;
  return operation.type === 'LAUNCH_GROUP' ? operation.launch_group.task_group.tasks : [];
};

/** How a launch goes is told by the statuses of its tasks. */
function refuseWithId(turn: MasterTurn, framework: Framework, operation: Launch): void {
  for (const info of tasksOf(operation)) {
    refuseTask(turn, framework, info, {
      state: 'TASK_ERROR',
      reason: operation.type === 'LAUNCH' ? 'REASON_TASK_INVALID' : 'REASON_TASK_GROUP_INVALID',
      message: `operation.id must not be set on ${operation.type}`,
    });
  }
}

function refuseAll(
  turn: MasterTurn,
  framework: Framework,
  accept: AcceptCall,
  refusal: LaunchRefusal,
): void {
  for (const operation of accept.operations ?? []) {
    for (const info of tasksOf(operation)) refuseTask(turn, framework, info, refusal);
    if (isLaunch(operation)) continue;
    refuseOperation(turn, framework, {
      id: operation.id?.value,
      state: 'OPERATION_DROPPED',
      message: refusal.message,
    });
  }
}
