import type { QueueEntry } from '../api/api-types.js';

/**
 * What is known of an app's place in the launch queue. Not having read the queue is not the same as not being in it.
 *
 * | kind    | when                                                     |
 * |---------|----------------------------------------------------------|
 * | loading | the queue has not been read yet                          |
 * | unknown | it could not be read                                     |
 * | waits   | the app is in the queue with at least one instance       |
 * | none    | the queue was read and the app is not in it              |
 */
export type QueuePlace =
  | { readonly kind: 'loading' }
  | { readonly kind: 'unknown'; readonly error: unknown }
  | { readonly kind: 'waits'; readonly entry: QueueEntry; readonly readAtMs: number }
  | { readonly kind: 'none' };

interface QueueAnswer {
  readonly data: readonly QueueEntry[] | undefined;
  readonly error: unknown;
  readonly dataUpdatedAt: number;
}

/** An answer stays good when a later reading fails; that it is old is said elsewhere. */
export function queuePlace({ data, error, dataUpdatedAt }: QueueAnswer, appId: string): QueuePlace {
  if (!data) {
    return error ? { kind: 'unknown', error } : { kind: 'loading' };
  }
  const entry = data.find((e) => e.app?.id === appId);
  return entry && entry.count > 0
    ? { kind: 'waits', entry, readAtMs: dataUpdatedAt }
    : { kind: 'none' };
}
