import type { Now } from '#core';
import { delayLeftMs, type QueueEntry, readyEntries } from '#deployment';
import type { EngineContext } from './engine-context.js';
import { leftoversWaitMs } from './leftovers.js';
import type { WantedRoles } from './offer-demand.js';

/**
 * Offers are wanted while something may be launched, always for a daemon, and for a while when something may be given
 * back. `nextInMs`: when the first thing that is delayed may be launched, or nothing is to be given back any more.
 */
export function lookAtQueue(context: EngineContext): {
  readonly wants: boolean;
  readonly roles: WantedRoles;
  readonly nextInMs?: number;
} {
  const { queue, backOffs, daemons } = context.memory;
  const now = context.ports.clock.now();
  const { ready, nextInMs } = readyEntries(queue, backOffs, now);
  const leftoversMs = leftoversWaitMs(context);
  const waits = [nextInMs ?? 0, leftoversMs];
  for (const [id, watch] of daemons) {
    const delayMs = delayLeftMs(backOffs.get(id), watch.app, now);
    waits.push(delayMs > 0 ? delayMs : (watch.nextInMs(now) ?? 0));
  }
  const next = waits.reduce(
    (first, waitMs) => (waitMs > 0 ? Math.min(first, waitMs) : first),
    Number.POSITIVE_INFINITY,
  );
  return {
    wants: ready.length + daemons.size > 0 || leftoversMs > 0,
    roles: leftoversMs > 0 ? 'all' : rolesOf(context, ready, now),
    ...(Number.isFinite(next) ? { nextInMs: next } : {}),
  };
}

/** A daemon that lacks nothing waits in no role; alone it still wants the offers of new agents. */
function rolesOf(
  { memory, state }: EngineContext,
  ready: readonly QueueEntry[],
  now: Now,
): ReadonlySet<string> {
  const roles = new Set<string>();
  for (const { app } of ready) {
    roles.add(app.role);
    // What is reserved stays under its role, whatever role the app has by now.
    for (const { reservation } of state.instancesOf(app.id).values()) {
      if (reservation !== undefined) roles.add(reservation.role);
    }
  }
  const watches = [...memory.daemons.values()];
  for (const watch of watches) if (watch.lacks(now)) roles.add(watch.app.role);
  if (roles.size === 0) for (const { app } of watches) roles.add(app.role);
  return roles;
}
