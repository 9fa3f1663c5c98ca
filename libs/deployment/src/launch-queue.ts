import type { App, AppId, Now } from '#core';
import { type BackOff, delayLeftMs } from './back-off.js';

/** One app's wish for instances. */
export interface QueueEntry {
  /** The definition to launch. */
  readonly app: App;
  readonly count: number;
  readonly sinceEpochMs: number;
}

/** What waits to be launched, by app, in the order it began to wait. Owned and mutated by the engine. */
export type LaunchQueue = Map<AppId, QueueEntry>;

/**
 * Says how many instances an app still wants (declarative: repeating it changes nothing; 0 takes it out). Returns
 * whether there is more to place than before, so that offers must be asked for.
 */
export function setWanted(queue: LaunchQueue, app: App, count: number, now: Now): boolean {
  const entry = queue.get(app.id);
  if (count <= 0) {
    queue.delete(app.id);
    return false;
  }
  const isSameDefinition = entry !== undefined && entry.app.version === app.version;
  queue.set(app.id, { app, count, sinceEpochMs: entry?.sinceEpochMs ?? now.epochMs });
  return !isSameDefinition || count > entry.count;
}

/** One of those an app wanted is there, before a look has counted anew. */
export function wantOneFewer(queue: LaunchQueue, id: AppId, now: Now): void {
  const entry = queue.get(id);
  if (entry !== undefined) setWanted(queue, entry.app, entry.count - 1, now);
}

/** The entries whose back-off has passed, longest waiting first, and when the next of the others may launch. O(entries). */
export function readyEntries(
  queue: LaunchQueue,
  backOffs: ReadonlyMap<AppId, BackOff>,
  now: Now,
): { readonly ready: readonly QueueEntry[]; readonly nextInMs?: number } {
  const ready: QueueEntry[] = [];
  let nextInMs: number | undefined;
  for (const entry of queue.values()) {
    const leftMs = delayLeftMs(backOffs.get(entry.app.id), entry.app, now);
    if (leftMs === 0) ready.push(entry);
    else nextInMs = Math.min(nextInMs ?? leftMs, leftMs);
  }
  return nextInMs === undefined ? { ready } : { ready, nextInMs };
}
