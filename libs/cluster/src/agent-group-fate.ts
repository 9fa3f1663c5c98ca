import type { RunKey } from '#core';
import type { AgentMessage } from '#mesos-v1';
import { tellExit } from './agent-executor-end.js';
import { executorOptions } from './agent-executor-turn.js';
import { type EndedMember, findGroupExecutor, liveMembers, noteEnded } from './agent-group.js';
import type { AgentTask } from './agent-task.js';
import { killGraceMs } from './agent-task-kill.js';
import { NETWORK_REASON } from './agent-task-turn.js';
import { type AgentTurn, feedTask } from './agent-turn.js';

/**
 * What becomes of a group when a member ends (Mesos' default executor):
 *
 * | a member                                               | the others                                   |
 * |--------------------------------------------------------|----------------------------------------------|
 * | finishes                                               | go on                                        |
 * | fails, is refused, killed, lost or cannot be launched  | are killed, each with the grace of its own   |
 *
 * Who is being killed already keeps that kill. When the last one of an executor has ended, its network is taken away and
 * the master hears that it has exited.
 */

/** Tells groups of the members that have ended, until none is left to tell of. */
export function settleGroups(turn: AgentTurn): void {
  const { ended } = turn.state.groups;
  const last = new Map<RunKey, EndedMember>();
  for (let member = ended.shift(); member !== undefined; member = ended.shift()) {
    shareFate(turn, member);
    last.set(member.place.executor, member);
  }
  for (const member of last.values()) endExecutor(turn, member);
}

function shareFate(turn: AgentTurn, { place, cause: message }: EndedMember): void {
  if (message === undefined) return;
  for (const task of liveMembers(turn.state, place.executor)) {
    if (task.group?.fate !== place.fate || task.kill !== undefined) continue;
    feedTask(turn, task.run, { kind: 'kill', kill: { graceMs: ownGraceMs(turn, task), message } });
  }
}

function endExecutor(turn: AgentTurn, { place, frameworkId }: EndedMember): void {
  for (const _ of liveMembers(turn.state, place.executor)) return;
  const { executor: run, executorId, executorLaunchId, hasNetwork, members } = place;
  const { effects, state } = turn;
  state.groups.ending.delete(run);
  if (hasNetwork) effects.push({ kind: 'release', run, launcher: 'docker' });
  effects.push({ kind: 'retire-group', run });
  tellExit(turn, {
    ...{ run, frameworkId, executorId, status: 0 },
    ...(executorLaunchId === undefined ? {} : { launchId: executorLaunchId }),
    // Told before the ends of its members are written down, a crash could launch them without an executor.
    after: [...(state.groups.members.get(run) ?? []), ...members],
  });
}

/** What an executor's members share is gone: nothing of them is right any more. */
export function endMembers(turn: AgentTurn, executor: RunKey): void {
  for (const task of liveMembers(turn.state, executor)) {
    if (task.kill !== undefined) continue;
    const message = 'the network of its group is gone';
    const kill = { graceMs: ownGraceMs(turn, task), reason: NETWORK_REASON, message };
    feedTask(turn, task.run, { kind: 'kill', kill });
  }
}

/** Nothing of its group was or will be written down: none of it is launched, and its executor never was. */
export function endUnwrittenGroup(turn: AgentTurn, task: AgentTask, problem: string): void {
  const { tasks, groups } = turn.state;
  if (task.isUnwritten) return;
  for (const run of task.group?.members ?? []) {
    feedTask(turn, run, { kind: 'unwritten', message: problem });
  }
  // What the master was to hear was queued behind what was refused.
  noteEnded(groups, tasks.get(task.run) ?? task);
}

/** SHUTDOWN_EXECUTOR: all members end, within the executor's own grace. False: no such executor is here. O(members). */
export function shutDownGroups(
  turn: AgentTurn,
  message: Extract<AgentMessage, { readonly type: 'SHUTDOWN_EXECUTOR' }>,
): boolean {
  const { framework_id, executor_id } = message.shutdown_executor;
  const executor = findGroupExecutor(turn.state, framework_id.value, executor_id.value);
  if (executor === undefined) return false;
  turn.state.groups.ending.add(executor.run);
  for (const task of liveMembers(turn.state, executor.run)) {
    const graceMs = shutdownGraceMs(turn, task);
    const kill = { graceMs, message: 'its executor was shut down by the framework' };
    feedTask(turn, task.run, { kind: 'kill', kill });
  }
  return true;
}

/** How long a member may take when its executor is to go: its own grace, at most that of the executor. */
export function shutdownGraceMs(turn: AgentTurn, task: AgentTask): number {
  const nanoseconds = task.definition.executor?.shutdown_grace_period?.nanoseconds;
  const ofExecutorMs = killGraceMs(
    nanoseconds === undefined ? undefined : { grace_period: { nanoseconds } },
    executorOptions(turn).shutdownGraceMs,
  );
  return Math.min(ownGraceMs(turn, task), ofExecutorMs);
}

const ownGraceMs = ({ state }: AgentTurn, { definition }: AgentTask): number =>
  killGraceMs(definition.kill_policy, state.options.defaultKillGraceMs);
