import type { Filters, InverseOffer } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import { toRefuseMs } from './master-offers.js';
import type { InverseOfferEntry } from './master-operator-state.js';
import type { Agent, Framework } from './master-state.js';
import { unavailabilityOf } from './master-unavailability.js';

/**
 * Inverse offers: each framework that has something on an agent that is to be maintained or drained is asked for it, and
 * asked again when its answer's time is over. At most one is outstanding for a framework and an agent. The answers move
 * nothing but the kills of a drain (master-drain-notice.ts); operators read them in the maintenance status.
 */

/** Withdraws what no longer holds and asks whoever has to be asked. O(agents in the schedule and what is on them). */
export function tickInverseOffers(turn: MasterTurn): void {
  const { operator } = turn.state;
  const { unavailableAgents, drainNotices, inverseOffers } = operator;
  if (unavailableAgents.size + drainNotices.size + inverseOffers.size === 0) return;
  rescindInverseOffers(turn, (entry) => isVoid(turn, entry));
  const byStream = new Map<string, InverseOffer[]>();
  for (const id of new Set([...unavailableAgents, ...drainNotices.keys()])) {
    const agent = turn.state.agents.get(id);
    if (agent?.condition !== 'connected') continue;
    for (const framework of concernedBy(turn, agent)) {
      const inverseOffer = ask(turn, agent, framework);
      if (inverseOffer === undefined || framework.streamId === undefined) continue;
      const batch = byStream.get(framework.streamId) ?? [];
      batch.push(inverseOffer);
      byStream.set(framework.streamId, batch);
    }
  }
  for (const [streamId, inverse_offers] of byStream) {
    turn.effects.push({
      kind: 'send-to-framework',
      streamId,
      event: { type: 'INVERSE_OFFERS', inverse_offers: { inverse_offers } },
    });
  }
}

/** ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS: ids that are not this framework's are ignored. */
export function answerInverseOffers(
  turn: MasterTurn,
  framework: Framework,
  answer: {
    readonly status: 'ACCEPT' | 'DECLINE';
    readonly ids: readonly string[];
    readonly filters: Filters | undefined;
  },
): void {
  for (const id of answer.ids) {
    const entry = turn.state.operator.inverseOffers.get(id);
    if (entry?.frameworkId !== framework.id) continue;
    forget(turn, entry);
    turn.state.operator.drainNotices.get(entry.agentId)?.answers.set(framework.id, answer.status);
    turn.state.agents.get(entry.agentId)?.maintenanceAnswers.set(framework.id, {
      status: answer.status,
      atEpochMs: turn.now.epochMs,
      untilMonoMs: turn.now.monoMs + toRefuseMs(answer.filters),
      streamId: entry.streamId,
    });
  }
}

/** RESCIND_INVERSE_OFFER to those that still listen on the stream they were asked on. */
export function rescindInverseOffers(
  turn: MasterTurn,
  isAffected: (entry: InverseOfferEntry) => boolean,
): void {
  for (const entry of [...turn.state.operator.inverseOffers.values()]) {
    if (!isAffected(entry)) continue;
    forget(turn, entry);
    const { streamId } = entry;
    if (turn.state.frameworks.get(entry.frameworkId)?.streamId !== streamId) continue;
    turn.effects.push({
      kind: 'send-to-framework',
      streamId,
      event: {
        type: 'RESCIND_INVERSE_OFFER',
        rescind_inverse_offer: { inverse_offer_id: { value: entry.id } },
      },
    });
  }
}

function isVoid({ state, now }: MasterTurn, entry: InverseOfferEntry): boolean {
  const framework = state.frameworks.get(entry.frameworkId);
  return (
    entry.expiresAtMonoMs <= now.monoMs ||
    state.agents.get(entry.agentId)?.condition !== 'connected' ||
    framework?.streamId !== entry.streamId
  );
}

function forget(turn: MasterTurn, entry: InverseOfferEntry): void {
  const framework = turn.state.frameworks.get(entry.frameworkId);
  if (framework?.streamId !== entry.streamId) {
    // It has not heard the question, or forgot it.
    turn.state.operator.drainNotices.get(entry.agentId)?.asked.delete(entry.frameworkId);
  }
  turn.state.operator.inverseOffers.delete(entry.id);
  turn.state.agents.get(entry.agentId)?.inverseOffers.delete(entry.frameworkId);
}

/** Frameworks with tasks or offers there that listen. */
function concernedBy(turn: MasterTurn, agent: Agent): ReadonlySet<Framework> {
  const concerned = new Set<Framework>();
  for (const { frameworkId } of [...agent.tasks, ...agent.offers]) {
    const framework = turn.state.frameworks.get(frameworkId);
    if (framework?.streamId !== undefined) concerned.add(framework);
  }
  return concerned;
}

/** Undefined: it was asked and has not answered, or it has and its time is not over. */
function ask(turn: MasterTurn, agent: Agent, framework: Framework): InverseOffer | undefined {
  const { state, now } = turn;
  const { operator } = state;
  const { streamId } = framework;
  const answer = agent.maintenanceAnswers.get(framework.id);
  // Who answered on another stream may know nothing of it any more.
  const isAnswered =
    answer !== undefined && answer.streamId === streamId && answer.untilMonoMs > now.monoMs;
  if (isAnswered || agent.inverseOffers.has(framework.id)) return undefined;
  const unavailability = unavailabilityOf(state, agent, now.epochMs);
  if (streamId === undefined || unavailability === undefined) return undefined;
  const notice = operator.drainNotices.get(agent.id);
  if (notice?.asked.has(framework.id) === false) notice.asked.set(framework.id, now.monoMs);
  const entry: InverseOfferEntry = {
    id: `${state.masterId}-${state.epoch}-I${operator.nextInverseOfferNumber}`,
    frameworkId: framework.id,
    agentId: agent.id,
    streamId,
    expiresAtMonoMs: now.monoMs + state.config.offerTimeoutMs,
  };
  operator.nextInverseOfferNumber += 1;
  operator.inverseOffers.set(entry.id, entry);
  agent.inverseOffers.set(framework.id, entry);
  return {
    id: { value: entry.id },
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    ...(agent.info.url === undefined ? {} : { url: agent.info.url }),
    unavailability,
  };
}
