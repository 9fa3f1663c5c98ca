import type { RunKey } from '#core';
import type { ExecutorEvent } from '#mesos-v1';
import {
  type AgentExecutor,
  DEFAULT_EXECUTOR_OPTIONS,
  type ExecutorJournalRecord,
  type ExecutorOptions,
  executorKeyOf,
} from './agent-executor.js';
import { placeInLanes } from './agent-lanes.js';
import type { AgentTaskEvent } from './agent-task.js';
import { killGraceMs } from './agent-task-kill.js';
import { type AgentTurn, feedTask } from './agent-turn.js';

/** What all that happens to an executor has in common. */

/** From here on this is the executor of that run. */
export function setExecutor(turn: AgentTurn, executor: AgentExecutor): void {
  turn.state.executors.set(executor.run, executor);
  placeInLanes(turn.state.lanes, executor.run, executor);
}

/** The executor of a framework's that goes by this id now. */
export function findExecutor(
  state: Pick<AgentTurn['state'], 'executors' | 'executorRuns'>,
  frameworkId: string,
  executorId: string,
): AgentExecutor | undefined {
  const run = state.executorRuns.get(executorKeyOf(frameworkId, executorId));
  return run === undefined ? undefined : state.executors.get(run);
}

export const executorOptions = (turn: AgentTurn): ExecutorOptions =>
  turn.state.options.executors ?? DEFAULT_EXECUTOR_OPTIONS;

/** Between SHUTDOWN and its kill. */
export const shutdownGraceMs = (turn: AgentTurn, { info }: Pick<AgentExecutor, 'info'>): number =>
  killGraceMs(
    info.shutdown_grace_period === undefined ? {} : { grace_period: info.shutdown_grace_period },
    executorOptions(turn).shutdownGraceMs,
  );

export const ownerOf = ({ framework }: Pick<AgentExecutor, 'framework'>): string =>
  framework.id?.value ?? '';

export const journalExecutor = (turn: AgentTurn, record: ExecutorJournalRecord): void => {
  turn.effects.push({ kind: 'journal', run: record.run, records: [record] });
};

export const sendToExecutor = (turn: AgentTurn, run: RunKey, event: ExecutorEvent): void => {
  turn.effects.push({ kind: 'send-to-executor', run, executorRun: run, event });
};

export const setPhaseTimer = (turn: AgentTurn, run: RunKey, delayMs: number): void => {
  turn.effects.push({ kind: 'set-timer', run, timer: 'phase', delayMs });
};

export const clearPhaseTimer = (turn: AgentTurn, run: RunKey): void => {
  turn.effects.push({ kind: 'clear-timer', run, timer: 'phase' });
};

export const killExecutor = (
  turn: AgentTurn,
  { run, launcher }: AgentExecutor,
  graceMs: number,
): void => {
  turn.effects.push({ kind: 'kill', run, launcher, graceMs });
};

/** Each of its tasks that has a record. */
export function feedTasksOf(turn: AgentTurn, executor: AgentExecutor, event: AgentTaskEvent): void {
  for (const run of [...executor.tasks]) feedTask(turn, run, event);
}

/** Whether some task of it has not ended. */
export const hasLiveTasks = (turn: AgentTurn, { tasks }: AgentExecutor): boolean =>
  [...tasks].some((run) => turn.state.tasks.get(run)?.phase.kind === 'delegated');
