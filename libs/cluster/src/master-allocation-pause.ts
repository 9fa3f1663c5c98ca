import type { MasterTurn } from './master-events.js';
import { scheduleAllocation } from './master-offers.js';

/** The pause after a fail-over in which nothing is offered; see {@link AllocationPause}. */

/** The share of the registry's agents that is waited for. */
const RETURNED_SHARE = 0.8;

/** Once the registry was read. */
export function beginAllocationPause(turn: MasterTurn): void {
  const { state, now } = turn;
  if (state.operator.quotas.size === 0 || state.removals.recoveredAgents === 0) return;
  state.allocationPause = {
    untilReturned: Math.ceil(state.removals.recoveredAgents * RETURNED_SHARE),
    untilMonoMs: now.monoMs + state.config.quotaRecoveryTimeoutMs,
  };
}

/** Whether the round has to wait; it is asked for again at the end of the pause. */
export function isAllocationPaused({ state, now }: MasterTurn): boolean {
  const { allocationPause: pause, removals } = state;
  if (pause === undefined) return false;
  return removals.returnedAgents < pause.untilReturned && now.monoMs < pause.untilMonoMs;
}

/** Without any quota there is nothing that offers could break: nobody waits any longer. */
export function endAllocationPauseWithoutQuota(turn: MasterTurn): void {
  const { state } = turn;
  if (state.allocationPause === undefined || state.operator.quotas.size > 0) return;
  delete state.allocationPause;
  scheduleAllocation(turn);
}

/** Ends the pause when its time is over. */
export function tickAllocationPause(turn: MasterTurn): void {
  if (turn.state.allocationPause === undefined || isAllocationPaused(turn)) return;
  delete turn.state.allocationPause;
  scheduleAllocation(turn);
}
