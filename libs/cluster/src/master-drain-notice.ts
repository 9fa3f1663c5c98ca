import type { AgentId } from '#core';
import type { MasterTurn } from './master-events.js';
import { rescindInverseOffers, tickInverseOffers } from './master-inverse-offers.js';
import type { DrainNotice } from './master-operator-state.js';
import type { Agent, Framework, MasterState } from './master-state.js';

/** Who was asked and says nothing does not know of inverse offers, milliseconds. */
const ANSWER_MS = 3_000;
/** One that is away may be back by then, and can be asked, milliseconds. */
const ABSENCE_MS = 15_000;

/** Called when the registry has a drain. Another one begins anew, shorter or longer than before, until it has killed. */
export function beginNotice(turn: MasterTurn, agent: Agent): void {
  const { state, now } = turn;
  const { drainNotices } = state.operator;
  const drain = agent.activation?.drain;
  if (drain?.state !== 'DRAINING') {
    endNotice(turn, agent.id);
    return;
  }
  const lengthMs = drain.maxGraceMs ?? state.config.drainNoticeMs;
  const leftMs = Math.min(lengthMs, drain.startedEpochMs + lengthMs - now.epochMs);
  if (leftMs <= 0) {
    endNotice(turn, agent.id);
    return;
  }
  rescindInverseOffers(turn, ({ agentId }) => agentId === agent.id);
  agent.maintenanceAnswers.clear();
  drainNotices.set(agent.id, {
    beganMonoMs: now.monoMs,
    untilMonoMs: now.monoMs + leftMs,
    untilEpochMs: now.epochMs + leftMs,
    asked: new Map(),
    answers: new Map(),
  });
}

/** Called when the agent is there again: nobody could be asked for it meanwhile, so the time to be back begins now. */
export function resumeNotice(turn: MasterTurn, agent: Agent): void {
  const { drainNotices } = turn.state.operator;
  const notice = drainNotices.get(agent.id);
  if (notice === undefined) return;
  drainNotices.set(agent.id, { ...notice, beganMonoMs: turn.now.monoMs, asked: new Map() });
  askNow(turn, agent);
}

/** The first question does not wait for the next tick. */
export function askNow(turn: MasterTurn, agent: Agent): void {
  if (turn.state.operator.drainNotices.has(agent.id)) tickInverseOffers(turn);
}

/** Whether frameworks still have time to take their tasks away. False, and over for good, once nobody is waited for. */
export function isNoticed(turn: MasterTurn, agent: Agent): boolean {
  const notice = turn.state.operator.drainNotices.get(agent.id);
  if (notice === undefined) return false;
  const isOver =
    notice.untilMonoMs <= turn.now.monoMs ||
    (agent.condition === 'connected' &&
      ![...frameworksOn(turn.state, agent)].some((one) => isWaitedFor(turn, notice, one)));
  if (isOver) endNotice(turn, agent.id);
  return !isOver;
}

function endNotice(turn: MasterTurn, id: AgentId): void {
  if (!turn.state.operator.drainNotices.delete(id)) return;
  rescindInverseOffers(turn, ({ agentId }) => agentId === id);
}

function isWaitedFor(
  { now }: MasterTurn,
  { asked, answers, beganMonoMs }: DrainNotice,
  { id, streamId }: Framework,
): boolean {
  const answer = answers.get(id);
  if (answer !== undefined) return answer === 'ACCEPT';
  const askedMonoMs = asked.get(id);
  // Asked on a stream that is gone: it has as long as one that was not asked yet.
  return askedMonoMs === undefined || streamId === undefined
    ? now.monoMs - (askedMonoMs ?? beganMonoMs) < ABSENCE_MS
    : now.monoMs - askedMonoMs < ANSWER_MS;
}

/** With tasks there. */
function frameworksOn({ frameworks }: MasterState, agent: Agent): ReadonlySet<Framework> {
  const found = new Set<Framework>();
  for (const { frameworkId } of agent.tasks) {
    const framework = frameworks.get(frameworkId);
    if (framework !== undefined) found.add(framework);
  }
  return found;
}
