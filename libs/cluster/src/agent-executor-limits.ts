import { addResources, scalarMilli } from '#core';
import { fromWireResources } from '#mesos-v1';
import type { AgentExecutor, ExecutorLimits } from './agent-executor.js';
import { setExecutor } from './agent-executor-turn.js';
import type { AgentState } from './agent-state.js';
import type { AgentTurn } from './agent-turn.js';

/**
 * What an executor may take: its own resources and those of its tasks that have not ended. The memory limit is only ever
 * raised, as in Mesos: lowered, it could kill what still uses what a task has left. O(tasks of the executor).
 */
export function limitsOf(
  state: Pick<AgentState, 'tasks'>,
  executor: Pick<AgentExecutor, 'info' | 'tasks' | 'limits'>,
): ExecutorLimits {
  let amount = fromWireResources(executor.info.resources);
  for (const run of executor.tasks) {
    const task = state.tasks.get(run);
    if (task === undefined || task.phase.kind === 'ended') continue;
    amount = addResources(amount, fromWireResources(task.definition.resources));
  }
  const memMib = Math.round(scalarMilli(amount, 'mem') / 1000);
  return {
    cpuMillis: scalarMilli(amount, 'cpus'),
    memMib: Math.max(memMib, executor.limits?.memMib ?? 0),
  };
}

/** At the end of a turn: executors whose tasks came or went are given what they need now. */
export function resizeExecutors(turn: AgentTurn): void {
  for (const run of turn.resized) {
    const executor = turn.state.executors.get(run);
    const before = executor?.limits;
    if (executor === undefined || before === undefined) continue;
    const limits = limitsOf(turn.state, executor);
    if (limits.cpuMillis === before.cpuMillis && limits.memMib === before.memMib) continue;
    setExecutor(turn, { ...executor, limits });
    turn.effects.push({ kind: 'resize-executor', run, launcher: executor.launcher, limits });
  }
}
