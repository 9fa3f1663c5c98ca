import type { AgentId, TaskId } from '#core';
import { DEFAULT_DRAIN_SECONDS, isDrained, mayHaveRouters } from '#deployment';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { knownRouters } from './router-sights.js';

/** More are ended at once. */
const MAX_LEAVING = 10_000;

/**
 * Ends a task of our framework that we do not know. One that runs may have been given up while its agent was away, and
 * requests from before that may still be under way to it: it ends when every router has heard that it is no more and has
 * none left for it, or when the drain time is up. Nothing of this is stored; the next reconciliation finds it again.
 */
export function endStranger(
  context: EngineContext,
  draft: Draft,
  task: TaskId,
  { agentId, isRunning }: { readonly agentId: AgentId | undefined; readonly isRunning: boolean },
): void {
  const { memory } = context;
  const agent = agentId === undefined ? {} : { agentId };
  const leaving = memory.leavingStrangers;
  const routers = knownRouters(memory, draft.now);
  const isWaiting = isRunning && mayHaveRouters(routers) && leaving.size < MAX_LEAVING;
  if (!isWaiting) {
    leaving.delete(task);
    draft.effect({ kind: 'kill-task', taskId: task, ...agent });
    return;
  }
  if (leaving.has(task)) return;
  const deadlineMonoMs = draft.now.monoMs + DEFAULT_DRAIN_SECONDS * 1000;
  leaving.set(task, { ...agent, deadlineMonoMs });
}

/** Ends those whose time has come. O(those that wait). */
export function endDrainedStrangers(context: EngineContext): void {
  const { memory, ports } = context;
  if (memory.leavingStrangers.size === 0) return;
  const now = ports.clock.now();
  const routers = knownRouters(memory, now);
  for (const [task, { agentId, deadlineMonoMs }] of [...memory.leavingStrangers]) {
    if (!isDrained({ taskId: task, deadlineMonoMs }, routers, now.monoMs)) continue;
    memory.leavingStrangers.delete(task);
    const agent = agentId === undefined ? {} : { agentId };
    void context.execute({ kind: 'kill-task', taskId: task, ...agent });
  }
}
