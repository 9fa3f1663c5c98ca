/** Rounds in a row a client may refuse all it is offered before its refusals are made longer. */
export const PATIENCE_ROUNDS = 8;
/** First lengthening; it doubles with each further round. */
const FIRST_BACKOFF_MS = 1_000;
/** A refusal is never made longer than this: what is free comes back to a decliner. */
export const MAX_BACKOFF_MS = 30_000;

/** How long a client has refused all it was offered. The allocator owns and mutates it. */
export interface DeclineStreak {
  rounds: number;
  offeredInRound: number;
  hasDeclined: boolean;
}

export const noStreak = (): DeclineStreak => ({
  rounds: 0,
  offeredInRound: -1,
  hasDeclined: false,
});

/** It is offered something in this round; the rounds before count as refused if nothing was used since. */
export function noteOffered(streak: DeclineStreak, round: number): void {
  if (streak.offeredInRound === round) return;
  if (streak.hasDeclined) streak.rounds += 1;
  streak.offeredInRound = round;
  streak.hasDeclined = false;
}

/** It used something, or says that it has new work. */
export function endStreak(streak: DeclineStreak): void {
  streak.rounds = 0;
  streak.hasDeclined = false;
}

/** It refused something. Returns for how long this holds at least: 0 while patience lasts. */
export function noteDeclined(streak: DeclineStreak): number {
  streak.hasDeclined = true;
  const beyond = streak.rounds - PATIENCE_ROUNDS;
  return beyond < 0 ? 0 : Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(beyond, 16));
}
