import { agentId, type FrameworkId, isTerminalTaskState, type RoleName, roleName } from '#core';
import {
  type AgentExecutor,
  decodeResources,
  type ExecutorInfo,
  type LaunchId,
  type SchedulerCall,
} from '#mesos-v1';
import { isOtherLaunch } from './launch-id.js';
import { sendToAgent } from './master-agent-messages.js';
import type { MasterTurn } from './master-events.js';
import { scheduleAllocation } from './master-offers.js';
import type { Agent, Executor, Framework, Task } from './master-state.js';

/**
 * The executor ledger. One executor runs for each (framework, executor id, agent); its resources are charged once, from
 * the launch that needed it until it has exited and its tasks have ended.
 */

type ShutdownCall = Extract<SchedulerCall, { readonly type: 'SHUTDOWN' }>['shutdown'];
type MessageCall = Extract<SchedulerCall, { readonly type: 'MESSAGE' }>['message'];

/** Ids have no control characters, so a line feed divides them. */
export const executorKey = (frameworkId: FrameworkId | string, executorId: string): string =>
  `${frameworkId}\n${executorId}`;

/** An executor that is being launched; what it takes is part of the offer, so allocated already. */
export function addExecutor(
  agent: Agent,
  given: {
    readonly framework: Framework;
    readonly role: RoleName;
    readonly info: ExecutorInfo;
    readonly launchId?: LaunchId | undefined;
  },
): Executor {
  const { framework, role, info, launchId } = given;
  const executor: Executor = {
    id: info.executor_id.value,
    frameworkId: framework.id,
    agentId: agent.id,
    role,
    info,
    resources: decodeResources(info.resources),
    isExited: false,
    isShuttingDown: false,
    ...(launchId === undefined ? {} : { launchId }),
  };
  agent.executors.set(executorKey(framework.id, executor.id), executor);
  return executor;
}

/** A task was added to the ledger: whichever executor it is of, the one it starts or the one that runs. */
export function joinExecutor(agent: Agent, task: Task, options: { readonly isNew: boolean }): void {
  if (task.executorId === undefined) return;
  const executor = agent.executors.get(executorKey(task.frameworkId, task.executorId));
  if (executor === undefined) return;
  if (options.isNew && task.launchId !== undefined) executor.launchId = task.launchId;
  if (executor.launchId !== undefined) task.executorLaunchId = executor.launchId;
}

/**
 * A launch is sent again to an agent that was given up meanwhile, and with it its executors: the agent starts this one, so
 * it is charged again.
 */
export function holdExecutor(
  turn: MasterTurn,
  agent: Agent,
  framework: Framework,
  { executorId, executorLaunchId: launchId, info, role }: Task,
): void {
  if (executorId === undefined || info.executor === undefined) return;
  if (agent.executors.has(executorKey(framework.id, executorId))) return;
  const executor = addExecutor(agent, { framework, role, info: info.executor, launchId });
  turn.state.allocator.adopt(executor);
}

/** Takes over an executor an agent brought; charges it when it was not. */
export function adoptExecutor(
  turn: MasterTurn,
  agent: Agent,
  framework: Framework,
  reported: AgentExecutor,
): Executor {
  const { executor: info } = reported;
  const known = agent.executors.get(executorKey(framework.id, info.executor_id.value));
  if (known !== undefined) return known;
  const allocated = info.resources.find((one) => one.allocation_info?.role !== undefined);
  const role = allocated?.allocation_info?.role ?? framework.roles[0] ?? '*';
  const executor = addExecutor(agent, {
    ...{ framework, info, launchId: reported.launch_id },
    role: roleName(role),
  });
  turn.state.allocator.adopt(executor);
  return executor;
}

/** Its process is gone, as the agent says: FAILURE to the framework, and its resources free once its tasks have ended. */
export function exitExecutor(
  turn: MasterTurn,
  agent: Agent,
  exited: {
    readonly frameworkId: FrameworkId;
    readonly executorId: string;
    readonly status: number;
    readonly launchId?: LaunchId | undefined;
  },
): void {
  const executor = agent.executors.get(executorKey(exited.frameworkId, exited.executorId));
  // One of before: another one of its id was started since.
  if (executor === undefined || isOtherLaunch(executor.launchId, exited.launchId)) return;
  executor.isExited = true;
  const streamId = turn.state.frameworks.get(exited.frameworkId)?.streamId;
  if (streamId !== undefined) {
    turn.effects.push({
      kind: 'send-to-framework',
      streamId,
      event: {
        type: 'FAILURE',
        failure: {
          agent_id: { value: agent.id },
          executor_id: { value: executor.id },
          status: exited.status,
        },
      },
    });
  }
  settleExecutor(turn, agent, executor);
}

/** A task of an executor has ended: the executor may have been waiting for it. */
export function taskOfExecutorEnded(turn: MasterTurn, task: Task): void {
  if (task.executorId === undefined) return;
  const agent = turn.state.agents.get(task.agentId);
  const executor = agent?.executors.get(executorKey(task.frameworkId, task.executorId));
  if (agent !== undefined && executor?.isExited === true) settleExecutor(turn, agent, executor);
}

/** After an agent came back: executors it has not got, and whose launch it did not miss, are over. */
export function settleExecutors(
  turn: MasterTurn,
  agent: Agent,
  reported: ReadonlySet<Executor>,
): void {
  for (const executor of [...agent.executors.values()]) {
    if (!reported.has(executor)) {
      if (!hasLiveTask(agent, executor)) removeExecutor(turn, agent, executor);
      continue;
    }
    if (executor.isShuttingDown) sendShutdown(turn, agent, executor);
  }
}

/** The agent, or the framework, is gone, and with it its executors. */
export function removeExecutors(
  turn: MasterTurn,
  agent: Agent,
  isMeant: (executor: Executor) => boolean = () => true,
): void {
  for (const executor of [...agent.executors.values()]) {
    if (isMeant(executor)) removeExecutor(turn, agent, executor);
  }
}

/** SHUTDOWN of an executor; unknown ones and agents are ignored. */
export function shutDownExecutor(turn: MasterTurn, framework: Framework, call: ShutdownCall): void {
  const agent = turn.state.agents.get(agentId(call.agent_id.value));
  const executor = agent?.executors.get(executorKey(framework.id, call.executor_id.value));
  if (agent === undefined || executor === undefined) return;
  executor.isShuttingDown = true;
  sendShutdown(turn, agent, executor);
}

/** MESSAGE to an executor: best effort, so an agent that is away does not get it. */
export function sendToExecutor(turn: MasterTurn, framework: Framework, call: MessageCall): void {
  const agent = turn.state.agents.get(agentId(call.agent_id.value));
  if (agent === undefined) return;
  sendToAgent(turn, agent, {
    type: 'MESSAGE',
    message: {
      framework_id: { value: framework.id },
      executor_id: call.executor_id,
      data: call.data,
    },
  });
}

function settleExecutor(turn: MasterTurn, agent: Agent, executor: Executor): void {
  if (!hasLiveTask(agent, executor)) removeExecutor(turn, agent, executor);
}

function hasLiveTask(agent: Agent, executor: Executor): boolean {
  for (const task of agent.tasks) {
    const isMine = task.executorId === executor.id && task.frameworkId === executor.frameworkId;
    if (isMine && !isTerminalTaskState(task.state)) return true;
  }
  return false;
}

function removeExecutor(turn: MasterTurn, agent: Agent, executor: Executor): void {
  agent.executors.delete(executorKey(executor.frameworkId, executor.id));
  turn.state.allocator.release(executor);
  scheduleAllocation(turn);
}

function sendShutdown(turn: MasterTurn, agent: Agent, executor: Executor): void {
  sendToAgent(turn, agent, {
    type: 'SHUTDOWN_EXECUTOR',
    shutdown_executor: {
      framework_id: { value: executor.frameworkId },
      executor_id: { value: executor.id },
    },
  });
}
