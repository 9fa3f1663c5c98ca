import { agentId, frameworkId, isTerminalTaskState, quantitiesOf, roleName, taskId } from '#core';
import { decodeResources, type SchedulerCall } from '#mesos-v1';
import { acceptOffers } from './master-accept.js';
import { sendKill, sendToAgent } from './master-agent-messages.js';
import type { MasterEvent, MasterTurn } from './master-events.js';
import { sendToExecutor, shutDownExecutor } from './master-executors.js';
import { completeFramework } from './master-frameworks.js';
import { answerInverseOffers } from './master-inverse-offers.js';
import { declineOffers, scheduleAllocation } from './master-offers.js';
import { acknowledgeOperation, reconcileOperations } from './master-operation-feedback.js';
import { reconcileTask, reconcileTasks } from './master-reconcile.js';
import { type Framework, MAX_STATUSES_PER_TASK } from './master-state.js';
import { removeTask } from './master-tasks.js';
import { updateFramework } from './master-update-framework.js';

type Call = Extract<MasterEvent, { readonly kind: 'scheduler-call' }>;
type KillCall = Extract<SchedulerCall, { readonly type: 'KILL' }>['kill'];
type RequestCall = Extract<SchedulerCall, { readonly type: 'REQUEST' }>['request'];
type AcknowledgeCall = Extract<SchedulerCall, { readonly type: 'ACKNOWLEDGE' }>['acknowledge'];

/** A scheduler call but SUBSCRIBE: checks in the order clients rely on (spec 1.2), then its effect, then 202. */
export function handleSchedulerCall(turn: MasterTurn, event: Call): void {
  const framework = turn.state.frameworks.get(frameworkId(event.call.framework_id.value));
  const refusal = checkCaller(framework, event);
  if (framework === undefined || refusal !== undefined) {
    turn.effects.push({
      kind: 'answer-call',
      callId: event.callId,
      ...(refusal ?? { status: 400, message: 'Framework cannot be found' }),
    });
    return;
  }
  const { call, callId } = event;
  if (call.type === 'TEARDOWN') {
    completeFramework(turn, framework, { callId });
    return;
  }
  if (call.type === 'UPDATE_FRAMEWORK') {
    updateFramework(turn, framework, { callId, update: call.update_framework });
    return;
  }
  applyCall(turn, framework, call);
  turn.effects.push({ kind: 'answer-call', callId, status: 202 });
}

function checkCaller(
  framework: Framework | undefined,
  event: Call,
): { readonly status: number; readonly message: string } | undefined {
  if (framework === undefined || framework.isRemoving) {
    return { status: 400, message: 'Framework cannot be found' };
  }
  const { principal } = framework.info;
  if (event.principal !== undefined && principal !== undefined && principal !== event.principal) {
    return {
      status: 400,
      message: `Principal ${event.principal} is not the framework's, ${principal}`,
    };
  }
  if (framework.streamId === undefined) {
    return { status: 403, message: 'Framework is not subscribed' };
  }
  if (event.streamId === undefined) {
    return {
      status: 400,
      message: "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
    };
  }
  if (event.streamId !== framework.streamId) {
    return {
      status: 400,
      message: `The stream ID '${event.streamId.slice(0, MAX_ECHO)}' included in this request didn't match the stream ID currently associated with framework ID '${framework.id}'`,
    };
  }
  return undefined;
}

const MAX_ECHO = 128;

function applyCall(
  turn: MasterTurn,
  framework: Framework,
  call: Exclude<Call['call'], { readonly type: 'TEARDOWN' | 'UPDATE_FRAMEWORK' }>,
): void {
  switch (call.type) {
    case 'ACCEPT':
      acceptOffers(turn, framework, call.accept);
      return;
    case 'DECLINE':
      declineOffers(turn, framework, {
        offerIds: call.decline.offer_ids.map((id) => id.value),
        filters: call.decline.filters,
      });
      return;
    case 'REVIVE':
      turn.state.allocator.revive(framework.id, call.revive?.roles?.map(roleName));
      scheduleAllocation(turn);
      return;
    case 'SUPPRESS':
      turn.state.allocator.suppress(framework.id, call.suppress?.roles?.map(roleName));
      return;
    case 'REQUEST':
      request(turn, framework, call.request);
      return;
    case 'KILL':
      killTask(turn, framework, call.kill);
      return;
    case 'ACKNOWLEDGE':
      acknowledge(turn, framework, call.acknowledge);
      return;
    case 'RECONCILE':
      reconcileTasks(
        turn,
        framework,
        call.reconcile.tasks.map((task) => ({
          taskId: task.task_id.value,
          ...(task.agent_id === undefined ? {} : { agentId: task.agent_id.value }),
        })),
      );
      return;
    case 'ACCEPT_INVERSE_OFFERS': {
      const { inverse_offer_ids, filters } = call.accept_inverse_offers;
      const ids = inverse_offer_ids.map((id) => id.value);
      answerInverseOffers(turn, framework, { status: 'ACCEPT', ids, filters });
      return;
    }
    case 'DECLINE_INVERSE_OFFERS': {
      const { inverse_offer_ids, filters } = call.decline_inverse_offers;
      const ids = inverse_offer_ids.map((id) => id.value);
      answerInverseOffers(turn, framework, { status: 'DECLINE', ids, filters });
      return;
    }
    case 'SHUTDOWN':
      shutDownExecutor(turn, framework, call.shutdown);
      return;
    case 'MESSAGE':
      sendToExecutor(turn, framework, call.message);
      return;
    case 'ACKNOWLEDGE_OPERATION_STATUS':
      acknowledgeOperation(framework, {
        operationId: call.acknowledge_operation_status.operation_id.value,
        uuid: call.acknowledge_operation_status.uuid,
      });
      return;
    case 'RECONCILE_OPERATIONS':
      reconcileOperations(turn, framework, call.reconcile_operations);
      return;
    default:
      call satisfies never;
  }
}

/** REQUEST: what one task needs, any of these. The allocator may keep an agent's room together for it. */
function request(turn: MasterTurn, framework: Framework, { requests }: RequestCall): void {
  const wanted = requests.map(({ resources }) =>
    Object.fromEntries(quantitiesOf(decodeResources(resources))),
  );
  turn.state.allocator.setDemand(framework.id, undefined, wanted);
  scheduleAllocation(turn);
}

/** KILL: unknown task -> reconciled; wrong agent -> ignored; agent away -> remembered and sent when it is back. */
function killTask(turn: MasterTurn, framework: Framework, kill: KillCall): void {
  const task = framework.tasks.get(taskId(kill.task_id.value));
  if (task === undefined) {
    reconcileTask(turn, framework, {
      taskId: kill.task_id.value,
      ...(kill.agent_id === undefined ? {} : { agentId: kill.agent_id.value }),
    });
    return;
  }
  if (kill.agent_id !== undefined && kill.agent_id.value !== task.agentId) return;
  if (isTerminalTaskState(task.state)) return;
  task.kill = kill.kill_policy === undefined ? {} : { policy: kill.kill_policy };
  const agent = turn.state.agents.get(task.agentId);
  if (agent !== undefined) sendKill(turn, agent, task);
}

/** ACKNOWLEDGE goes to the agent; the acknowledgement of a terminal status ends the task here. */
function acknowledge(turn: MasterTurn, framework: Framework, call: AcknowledgeCall): void {
  turn.state.counters.acknowledgements += 1;
  const agent = turn.state.agents.get(agentId(call.agent_id.value));
  const task = framework.tasks.get(taskId(call.task_id.value));
  if (task !== undefined && task.unacknowledged?.uuid === call.uuid) {
    const { state } = task.unacknowledged;
    delete task.unacknowledged;
    task.acknowledged = [...(task.acknowledged ?? []), call.uuid].slice(-MAX_STATUSES_PER_TASK);
    if (isTerminalTaskState(state as typeof task.state)) removeTask(turn, task);
  }
  if (agent === undefined) return;
  sendToAgent(turn, agent, {
    type: 'ACKNOWLEDGE',
    acknowledge: {
      framework_id: { value: framework.id },
      task_id: call.task_id,
      uuid: call.uuid,
    },
  });
}
