import { type MasterEffect, type MasterEvent, type MasterState, reduceMaster } from '#cluster';
import type { Now } from '#core';
import type { EngineSettings } from '../master-node.js';
import type { CoreMutant } from './mutant.js';

/** Watches one life of a master, from its recovery to its end. */
export interface LifeWatch {
  /** An event is about to be handled. */
  readonly before?: (state: MasterState, event: MasterEvent) => void;
  /** It was handled, and these effects are to follow. */
  readonly after?: (turn: WatchedTurn) => void;
  /** An effect is carried out now. */
  readonly effect?: (state: MasterState, effect: MasterEffect) => void;
}

export interface WatchedTurn {
  readonly state: MasterState;
  readonly event: MasterEvent;
  readonly effects: readonly MasterEffect[];
  readonly now: Now;
}

/** Sets the watches around the reducer of one life, and the bug, if there is to be one, inside. */
export function watchLife(
  watches: readonly LifeWatch[],
  given: { readonly config: EngineSettings['config']; readonly mutant?: CoreMutant },
): EngineSettings {
  const reduce = given.mutant?.wrapReduce?.(reduceMaster) ?? reduceMaster;
  let current: MasterState | undefined;
  return {
    ...(given.config === undefined ? {} : { config: given.config }),
    reduce: (state, event, now) => {
      current = state;
      for (const watch of watches) watch.before?.(state, event);
      const reduced = reduce(state, event, now);
      for (const watch of watches) watch.after?.({ state, event, effects: reduced.effects, now });
      return reduced;
    },
    beforeEffect: (effect) => {
      if (current === undefined) return;
      for (const watch of watches) watch.effect?.(current, effect);
    },
  };
}

/** The status a call was answered with in this turn; undefined: it waits for something. */
export function answerOf({ event, effects }: WatchedTurn): number | undefined {
  if (!('callId' in event)) return undefined;
  const answer = effects.find(
    (effect) => effect.kind === 'answer-call' && effect.callId === event.callId,
  );
  return answer?.kind === 'answer-call' ? answer.status : undefined;
}
