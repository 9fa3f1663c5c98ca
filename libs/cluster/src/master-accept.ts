import { addResources, offerId, type Resources, subtractResources, type TaskState } from '#core';
import type { SchedulerCall, TaskInfo } from '#mesos-v1';
import { sendLaunch } from './master-agent-messages.js';
import type { MasterTurn } from './master-events.js';
import { releaseOffer, takeOffer, toRefuseMs } from './master-offers.js';
import type { Agent, Framework, Offer } from './master-state.js';
import { addTask, masterStatus, sendUpdate, stateFor } from './master-tasks.js';
import { validateTask } from './master-validate-task.js';

type AcceptCall = Extract<SchedulerCall, { readonly type: 'ACCEPT' }>['accept'];

/**
 * ACCEPT: consumes the offers, launches what is valid, gives the rest back. All or nothing per call as to the offers
 * (one invalid id drops the call), task by task as to the tasks.
 */
export function acceptOffers(turn: MasterTurn, framework: Framework, accept: AcceptCall): void {
  const { offers, problem } = checkOffers(turn, framework, accept);
  for (const offer of offers) takeOffer(turn, offer.id);
  const [first] = offers;
  const agent = first === undefined ? undefined : turn.state.agents.get(first.agentId);
  const isLost = agent?.condition !== 'connected';
  if (problem !== undefined || first === undefined || agent === undefined || isLost) {
    for (const offer of offers) releaseOffer(turn, offer);
    refuseTasks(turn, framework, accept, {
      state: stateFor(framework, 'TASK_DROPPED'),
      reason: problem === undefined ? 'REASON_AGENT_DISCONNECTED' : 'REASON_INVALID_OFFERS',
      message: problem ?? 'the agent is disconnected',
    });
    return;
  }
  turn.state.counters.offersAccepted += offers.length;
  const offered = offers.reduce<Resources>((sum, offer) => addResources(sum, offer.resources), {
    scalars: {},
    ranges: {},
  });
  const rest = applyOperations(turn, { framework, agent, offer: first, offered, accept });
  releaseOffer(turn, first, { resources: rest, refuseMs: toRefuseMs(accept.filters) });
}

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
      problem ??= `offer ${value} is not outstanding`;
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

interface Acceptance {
  readonly framework: Framework;
  readonly agent: Agent;
  readonly offer: Offer;
  readonly offered: Resources;
  readonly accept: AcceptCall;
}

/** Applies the operations in order; returns what is left of the offer. */
function applyOperations(turn: MasterTurn, acceptance: Acceptance): Resources {
  let rest = acceptance.offered;
  for (const operation of acceptance.accept.operations ?? []) {
    switch (operation.type) {
      case 'LAUNCH':
        for (const info of operation.launch.task_infos) {
          rest = launchTask(turn, acceptance, info, rest);
        }
        break;
      case 'LAUNCH_GROUP':
        for (const info of operation.launch_group.task_group.tasks) {
          refuseTask(turn, acceptance.framework, info, {
            state: 'TASK_ERROR',
            reason: 'REASON_TASK_GROUP_INVALID',
            message: 'task groups are not supported; launch the tasks one by one',
          });
        }
        break;
      case 'RESERVE':
      case 'UNRESERVE':
      case 'CREATE':
      case 'DESTROY':
      case 'GROW_VOLUME':
      case 'SHRINK_VOLUME':
        turn.effects.push({
          kind: 'note',
          level: 'warn',
          message: 'operation dropped: reservations are not supported',
          fields: { frameworkId: acceptance.framework.id, operation: operation.type },
        });
        break;
      default:
        operation satisfies never;
    }
  }
  return rest;
}

function launchTask(
  turn: MasterTurn,
  acceptance: Acceptance,
  info: TaskInfo,
  offered: Resources,
): Resources {
  const { framework, agent, offer } = acceptance;
  const verdict = validateTask(info, {
    agentId: agent.id,
    offered,
    isKnownId: (id) => framework.tasks.has(id as Parameters<typeof framework.tasks.has>[0]),
  });
  if (verdict.kind === 'invalid') {
    refuseTask(turn, framework, info, {
      state: 'TASK_ERROR',
      reason: 'REASON_TASK_INVALID',
      message: verdict.message,
    });
    return offered;
  }
  // The role goes with the task, so that a later master charges the same role when the agent brings it back.
  const allocated: TaskInfo = {
    ...info,
    resources: info.resources.map((resource) => ({
      ...resource,
      allocation_info: { role: offer.role },
    })),
  };
  const { resources } = verdict;
  const task = addTask(turn, { framework, agent, offer, info: allocated, resources });
  sendLaunch(turn, agent, framework, task);
  return subtractResources(offered, resources);
}

interface Refusal {
  readonly state: TaskState;
  readonly reason: string;
  readonly message: string;
}

function refuseTasks(
  turn: MasterTurn,
  framework: Framework,
  accept: AcceptCall,
  refusal: Refusal,
): void {
  for (const operation of accept.operations ?? []) {
    const tasks =
      operation.type === 'LAUNCH'
        ? operation.launch.task_infos
        : operation.type === 'LAUNCH_GROUP'
          ? operation.launch_group.task_group.tasks
          : [];
    for (const info of tasks) refuseTask(turn, framework, info, refusal);
  }
}

function refuseTask(
  turn: MasterTurn,
  framework: Framework,
  info: TaskInfo,
  refusal: Refusal,
): void {
  sendUpdate(
    turn,
    framework,
    masterStatus(turn, {
      ...refusal,
      taskId: info.task_id.value,
      agentId: info.agent_id.value,
    }),
  );
}
