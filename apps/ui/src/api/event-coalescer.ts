/**
 * Turns a storm of events into few re-reads.
 *
 * | phase    | touched             | timer            | flushed                         |
 * |----------|---------------------|------------------|---------------------------------|
 * | idle     | waiting, startTimer | -                | -                               |
 * | waiting  | remember            | flushing, flush  | -                               |
 * | flushing | remember            | -                | idle, or waiting and startTimer |
 *
 * At most one re-read is under way; what changes meanwhile is read again after it, so nothing is missed.
 */
export interface CoalescerState {
  readonly phase: 'idle' | 'waiting' | 'flushing';
  readonly pending: ReadonlySet<string>;
}

export type CoalescerEvent =
  | { readonly kind: 'touched'; readonly keys: readonly string[] }
  | { readonly kind: 'timer' }
  | { readonly kind: 'flushed' };

export type CoalescerEffect =
  | { readonly kind: 'startTimer' }
  | { readonly kind: 'flush'; readonly keys: readonly string[] };

export interface CoalescerReduction {
  readonly state: CoalescerState;
  readonly effects: readonly CoalescerEffect[];
}

export const IDLE_COALESCER: CoalescerState = { phase: 'idle', pending: new Set() };

export function reduceCoalescer(state: CoalescerState, event: CoalescerEvent): CoalescerReduction {
  switch (event.kind) {
    case 'touched':
      return touch(state, event.keys);
    case 'timer':
      if (state.phase !== 'waiting') {
        return { state, effects: [] };
      }
      return {
        state: { phase: 'flushing', pending: new Set() },
        effects: [{ kind: 'flush', keys: [...state.pending] }],
      };
    case 'flushed':
      if (state.phase !== 'flushing') {
        return { state, effects: [] };
      }
      return state.pending.size === 0
        ? { state: IDLE_COALESCER, effects: [] }
        : { state: { ...state, phase: 'waiting' }, effects: [{ kind: 'startTimer' }] };
    default:
      return event satisfies never;
  }
}

function touch(state: CoalescerState, keys: readonly string[]): CoalescerReduction {
  if (keys.length === 0) {
    return { state, effects: [] };
  }
  const pending = new Set([...state.pending, ...keys]);
  return state.phase === 'idle'
    ? { state: { phase: 'waiting', pending }, effects: [{ kind: 'startTimer' }] }
    : { state: { phase: state.phase, pending }, effects: [] };
}
