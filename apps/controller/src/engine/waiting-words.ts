import type { Now, TaskFailure } from '#core';
import { type ReasonCount, type SeenOffer, summariseLacks, type WaitExplanation } from '#matcher';
import type { WaitingGroup } from './app-explanation.port.js';

/** Says in words and numbers why a group of instances waits. */
export function describeGroup(group: WaitingGroup, now: Now): readonly string[] {
  const { count, delayLeftMs, failure } = group;
  const who = count === 1 ? '1 instance waits' : `${count} instances wait`;
  if (delayLeftMs > 0) return [`${who} to be launched: ${describeDelay(delayLeftMs, failure)}`];
  return [`${who} for an offer: ${describeOffers(group, now)}`];
}

/** How long launches are held back, and after which failure. */
export function describeDelay(leftMs: number, failure: TaskFailure | undefined): string {
  const last = failure === undefined ? '' : `, the last: ${failure.state} ${failure.message}`;
  const seconds = (Math.ceil(leftMs / 100) / 10).toFixed(1);
  return `launches are delayed for ${seconds} s after failures${last}`;
}

function describeOffers({ explanation, newestOfferEpochMs }: WaitingGroup, now: Now): string {
  const { agents, fitting } = explanation;
  if (agents === 0 || newestOfferEpochMs === undefined) return 'no agent has been offered yet';
  const current = fitting.find(({ isCurrent }) => isCurrent);
  if (current !== undefined) {
    return `${current.offer.hostname} has room, the launch comes with its next offer`;
  }
  const parts = [
    describeReasons(explanation),
    ...describeNearest(explanation),
    ...fitting.slice(0, 1).map((seen) => describeOld(seen, now)),
    `the newest offer is ${secondsAgo(newestOfferEpochMs, now)}`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function describeReasons({ agents, reasons }: WaitExplanation): string {
  const given = [...reasons]
    .filter((count) => count.agents > 0)
    .sort((left, right) => right.agents - left.agents);
  if (given.length === 0) return '';
  return `of ${agents} ${agents === 1 ? 'agent' : 'agents'} ${given.map(describeReason).join(', ')}`;
}

const describeReason = ({ reason, agents, alone }: ReasonCount): string =>
  `${agents} ${agents === 1 ? 'refuses' : 'refuse'} for ${reason}` +
  (alone === agents ? '' : ` (${alone} for that alone)`);

const describeNearest = ({ nearest }: WaitExplanation): readonly string[] =>
  nearest === undefined ? [] : [`nearest: ${summariseLacks(nearest)}`];

const describeOld = ({ offer, seenEpochMs }: SeenOffer, now: Now): string =>
  `${offer.hostname} had room by its last offer, which is ${secondsAgo(seenEpochMs, now)}`;

const secondsAgo = (epochMs: number, now: Now): string =>
  `${Math.max(0, Math.round((now.epochMs - epochMs) / 1000))} s old`;
