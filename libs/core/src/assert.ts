/** Thrown when an invariant of ours is broken. Never caught to go on: the process crashes and reconciles. */
export class InvariantError extends Error {
  readonly code = 'INVARIANT';
}

/** Throws {@link InvariantError} unless `claim` holds. For our own mistakes only, never for bad input. */
export function assert(claim: boolean, message: string): asserts claim {
  if (!claim) throw new InvariantError(message);
}

/** Returns `value`, or throws {@link InvariantError} when it is undefined. */
export function present<Value>(value: Value | undefined, message: string): Value {
  assert(value !== undefined, message);
  return value;
}
