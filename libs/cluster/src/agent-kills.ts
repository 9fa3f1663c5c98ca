import type { AgentMessage } from '#mesos-v1';
import { shutDownExecutors } from './agent-executor-end.js';
import { shutdownGraceMs } from './agent-group-fate.js';
import type { KillRequest } from './agent-records.js';
import { findCompleted, findCurrent } from './agent-runs.js';
import type { AgentTask } from './agent-task.js';
import { killGraceMs } from './agent-task-kill.js';
import { type AgentTurn, feedTask, ownStatus, tellOnce } from './agent-turn.js';
import { isOtherLaunch } from './launch-id.js';

/** What the master ends: one task, a framework's, all of them to drain the agent or to start over. */

/** KILL: of the current run of that framework's task; of one launch only, if it names that. */
export function killOne(
  turn: AgentTurn,
  message: Extract<AgentMessage, { readonly type: 'KILL' }>,
): void {
  const { task_id, framework_id, kill_policy, launch_id } = message.kill;
  const task = findCurrent(turn.state, framework_id.value, task_id.value);
  if (task === undefined) {
    reportUnknown(turn, message.kill);
    return;
  }
  // An earlier launch, which the later one has ended already.
  if (isOtherLaunch(task.launchId, launch_id)) return;
  const policy = kill_policy ?? task.definition.kill_policy;
  const graceMs = killGraceMs(policy, turn.state.options.defaultKillGraceMs);
  const policies = kill_policy === undefined ? {} : { policy: kill_policy };
  feedTask(turn, task.run, { kind: 'kill', kill: { graceMs, ...policies } });
}

/** The master believes in a task we have not got: say so, or it would wait for its end for ever. */
function reportUnknown(
  turn: AgentTurn,
  { task_id, framework_id, launch_id }: Extract<AgentMessage, { readonly type: 'KILL' }>['kill'],
): void {
  const task = { frameworkId: framework_id.value, taskId: task_id.value };
  const before = findCompleted(turn.state.completed, task, launch_id);
  const status =
    before?.status ??
    ownStatus(turn, task.taskId, {
      state: 'TASK_LOST',
      source: 'SOURCE_AGENT',
      reason: 'REASON_RECONCILIATION',
      message: 'this agent has no such task',
    });
  tellOnce(turn, task.frameworkId, { status, launchId: before?.launchId ?? launch_id });
}

/**
 * A run whose task is launched anew. To the master it is over: its end was acknowledged, or the master has given it up.
 * What is left of it is ended or dropped, on its own, and nothing of it is told any more.
 */
export function supersede(turn: AgentTurn, task: AgentTask): void {
  const { defaultKillGraceMs } = turn.state.options;
  const kill: KillRequest = {
    graceMs: killGraceMs(task.definition.kill_policy, defaultKillGraceMs),
    message: 'its task was launched anew',
    unacknowledged: true,
    isSuperseded: true,
  };
  feedTask(turn, task.run, { kind: 'kill', kill });
}

/** Ends each task that matches; members of a group as if their executor were shut down. */
export function killAll(
  turn: AgentTurn,
  matches: (task: AgentTask) => boolean,
  kill: KillRequest,
): void {
  for (const task of [...turn.state.tasks.values()]) {
    if (!matches(task)) continue;
    const graceMs = task.group === undefined ? kill.graceMs : shutdownGraceMs(turn, task);
    feedTask(turn, task.run, { kind: 'kill', kill: { ...kill, graceMs } });
  }
}

/** SHUTDOWN: the master forgot this agent. End its tasks, drop the identity, then register as a new agent. */
export function startOver(turn: AgentTurn, message: string): void {
  const { agentId: _, ...identity } = turn.state.identity;
  const { connection: __, current: ___, lastApplied: ____, ...master } = turn.state.master;
  turn.state = { ...turn.state, identity, master, leaving: 'reregister' };
  turn.effects.push({ kind: 'persist-identity', identity });
  turn.effects.push({ kind: 'pause-link', reason: `master says: ${message}` });
  endAll(turn, message);
}

/** Ends what belongs to an identity that is given up: nobody will acknowledge it. */
export function endAll(turn: AgentTurn, message: string): void {
  killAll(turn, () => true, {
    graceMs: turn.state.options.defaultKillGraceMs,
    reason: 'REASON_AGENT_REMOVED',
    message,
    unacknowledged: true,
  });
  shutDownExecutors(turn, () => true, { reason: 'REASON_AGENT_REMOVED', message });
}

/** DRAIN: every task ends with its own grace, or that of a kill before, at most the drain's. Repeated, it changes nothing. */
export function drain(
  turn: AgentTurn,
  given: Extract<AgentMessage, { readonly type: 'DRAIN' }>['drain'],
): void {
  const maxGraceMs = (given.max_grace_period?.nanoseconds ?? Number.POSITIVE_INFINITY) / 1e6;
  for (const task of [...turn.state.tasks.values()]) {
    const { defaultKillGraceMs } = turn.state.options;
    const ownMs =
      task.kill?.graceMs ?? killGraceMs(task.definition.kill_policy, defaultKillGraceMs);
    const kill: KillRequest = {
      graceMs: Math.max(0, Math.min(ownMs, maxGraceMs)),
      reason: 'REASON_AGENT_DRAINING',
      message: 'the agent is being drained',
      ...(given.mark_gone ? { isGone: true as const } : {}),
      ...(given.max_grace_period
        ? { policy: { grace_period: toDuration(ownMs, maxGraceMs) } }
        : {}),
    };
    feedTask(turn, task.run, { kind: 'kill', kill });
  }
}

const toDuration = (ownMs: number, maxMs: number): { readonly nanoseconds: number } => ({
  nanoseconds: Math.round(Math.max(0, Math.min(ownMs, maxMs)) * 1e6),
});
