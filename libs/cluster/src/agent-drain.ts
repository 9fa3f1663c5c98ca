import type { AgentMessageBody } from '#mesos-v1';
import type { KillRequest } from './agent-records.js';
import type { AgentState } from './agent-state.js';
import type { AgentTask } from './agent-task.js';
import { killGraceMs } from './agent-task-kill.js';

type Drain = Extract<AgentMessageBody, { readonly type: 'DRAIN' }>['drain'];

/** What ends every task when the agent's operator drains it. Heard again, it changes nothing. */
export function drainKills(state: AgentState, drain: Drain): ReadonlyMap<string, KillRequest> {
  const nanoseconds = drain.max_grace_period?.nanoseconds;
  const maxGraceMs = nanoseconds === undefined ? undefined : Math.max(0, nanoseconds / 1e6);
  return killsOf(state, (task) => ({
    graceMs: cappedGraceMs(state, task, maxGraceMs),
    reason: 'REASON_AGENT_DRAINING',
    message: 'the agent is being drained',
    ...(drain.mark_gone ? { isMarkedGone: true } : {}),
  }));
}

/** What ends every task when the agent itself is switched off. */
export const shutdownKills = (
  state: AgentState,
  maxGraceMs: number,
): ReadonlyMap<string, KillRequest> =>
  killsOf(state, (task) => ({
    graceMs: cappedGraceMs(state, task, maxGraceMs),
    message: 'the agent is being shut down',
  }));

const killsOf = (
  { tasks }: AgentState,
  toKill: (task: AgentTask) => KillRequest,
): ReadonlyMap<string, KillRequest> =>
  new Map([...tasks.values()].map((task) => [task.id, toKill(task)]));

/** Its own grace, or what is left to it by a kill before; the cap only ever shortens it. */
function cappedGraceMs(state: AgentState, task: AgentTask, maxGraceMs: number | undefined): number {
  const { kill_policy } = task.definition;
  const ownMs = task.kill?.graceMs ?? killGraceMs(kill_policy, state.options.defaultKillGraceMs);
  return Math.min(ownMs, maxGraceMs ?? ownMs);
}
