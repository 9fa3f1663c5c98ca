import { agentId, type TaskState, taskId } from '#core';
import type { MasterTurn } from './master-events.js';
import type { Framework, Task } from './master-state.js';
import { masterStatus, sendUpdate, stateFor, toldState } from './master-tasks.js';

/** The largest explicit list answered by one call; more is refused by the edge's body limit long before. */
export interface ReconcileQuestion {
  readonly taskId: string;
  readonly agentId?: string;
}

/** RECONCILE. An empty list asks for all tasks; answers are statuses of the master without a uuid. */
export function reconcileTasks(
  turn: MasterTurn,
  framework: Framework,
  questions: readonly ReconcileQuestion[],
): void {
  if (questions.length === 0) {
    for (const task of framework.tasks.values()) answerKnown(turn, framework, task);
    return;
  }
  for (const question of questions) reconcileTask(turn, framework, question);
}

/** One explicit question; also the answer to a KILL of a task nobody knows. */
export function reconcileTask(
  turn: MasterTurn,
  framework: Framework,
  question: ReconcileQuestion,
): void {
  const task = framework.tasks.get(taskId(question.taskId));
  if (task !== undefined) {
    answerKnown(turn, framework, task);
    return;
  }
  const answer = judgeUnknown(turn, question);
  if (answer === undefined) return;
  sendUpdate(
    turn,
    framework,
    masterStatus(turn, {
      ...question,
      ...answer,
      state: stateFor(framework, answer.state),
      reason: 'REASON_RECONCILIATION',
      message: 'Reconciliation: the task is unknown to the master',
    }),
  );
}

/** Undefined means silence: the agent that may have it has not come back yet. */
function judgeUnknown(
  turn: MasterTurn,
  question: ReconcileQuestion,
): { readonly state: TaskState; readonly unreachableSinceEpochMs?: number } | undefined {
  const { state } = turn;
  if (question.agentId === undefined) {
    return state.recoveringAgents > 0 ? undefined : { state: 'TASK_UNKNOWN' };
  }
  const id = agentId(question.agentId);
  if (state.goneAgents.has(id)) return { state: 'TASK_GONE_BY_OPERATOR' };
  const agent = state.agents.get(id);
  if (agent === undefined) return { state: 'TASK_UNKNOWN' };
  switch (agent.condition) {
    case 'recovering':
      return undefined;
    case 'unreachable':
      return {
        state: 'TASK_UNREACHABLE',
        ...(agent.unreachableSinceEpochMs === undefined
          ? {}
          : { unreachableSinceEpochMs: agent.unreachableSinceEpochMs }),
      };
    case 'connected':
    case 'disconnected':
      return { state: 'TASK_GONE' };
    default:
      return agent.condition satisfies never;
  }
}

function answerKnown(turn: MasterTurn, framework: Framework, task: Task): void {
  const state = toldState(task);
  if (state === undefined) return;
  const agent = turn.state.agents.get(task.agentId);
  sendUpdate(
    turn,
    framework,
    masterStatus(turn, {
      taskId: task.id,
      agentId: task.agentId,
      state: stateFor(framework, state),
      reason: 'REASON_RECONCILIATION',
      message: 'Reconciliation: latest task state',
      basedOn: task.status,
      ...(state === 'TASK_UNREACHABLE' && agent?.unreachableSinceEpochMs !== undefined
        ? { unreachableSinceEpochMs: agent.unreachableSinceEpochMs }
        : {}),
    }),
  );
}
