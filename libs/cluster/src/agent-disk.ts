import type { RunKey } from '#core';
import { feedRun } from './agent-executor-reducer.js';
import { type AgentTurn, feedTask } from './agent-turn.js';

/**
 * While the work directory cannot be written, what runs goes on and what is to be written waits. A launch is refused: of
 * such a run nothing was done and nothing is written down, so its end is told from memory until it is acknowledged; an
 * agent that dies meanwhile does not know the run, and its master reports it lost.
 */

/** The disk refuses, or takes again, what is written. Kills under way do not wait for what is written before them. */
export function changeDisk(turn: AgentTurn, problem: string | undefined): void {
  const before = turn.state.disk;
  if (before === problem) return;
  const { disk: _, ...state } = turn.state;
  turn.state = problem === undefined ? state : { ...state, disk: problem };
  if (before !== undefined || problem === undefined) return;
  const { tasks, executors } = turn.state;
  for (const run of [...tasks.keys(), ...executors.keys()]) {
    feedRun(turn, run, { kind: 'disk-refuses' });
  }
}

/** Refuses a launch before anything of it is written down. */
export function refuseUnwritten(turn: AgentTurn, run: RunKey, problem: string): void {
  feedTask(turn, run, { kind: 'unwritten', message: problem });
}
