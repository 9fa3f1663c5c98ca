import type { AppId } from '#core';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';

/**
 * What is aimed at is no longer what these apps wait for. At once: an offer answered before the next look, in the same
 * transaction maybe, must not be taken for the wish of a moment ago.
 */
export function forgetWishes(
  { memory, demand }: EngineContext,
  draft: Draft,
  apps: Iterable<AppId>,
): void {
  for (const id of apps) {
    memory.queue.delete(id);
    const app = draft.root.apps.get(id);
    const isSame = app?.versionInfo.lastConfigChangeAt === memory.daemons.get(id)?.key;
    if (app?.workload !== 'daemon' || !isSame) memory.daemons.delete(id);
  }
  draft.after(() => demand.update({ isNew: false }));
}
