/** What a reducer returns: the next state and the effects the edge has to carry out, in order. */
export interface Reduction<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** One handler per effect kind: a new effect does not compile until someone carries it out. */
export type ExecutorTable<Effect extends { readonly kind: string }> = {
  readonly [K in Effect['kind']]: (effect: Extract<Effect, { readonly kind: K }>) => Promise<void>;
};
