import type { ControllerStore } from '#core';
import { toIsoTime } from '#marathon-v2';
import type { SseEvent } from '#platform';

/** Events replayed to one reader; whoever missed more reads a snapshot instead, which is cheaper for both. */
export const MAX_REPLAYED_EVENTS = 10_000;
const PAGE = 1_000;

/**
 * The stored events after `afterId`, or a single `resync` event when they cannot all be given: too many, dropped already,
 * or of another database (an id that lies in the future).
 */
export async function loadReplay(
  store: ControllerStore,
  range: { readonly afterId: number; readonly lastEventId: number; readonly nowEpochMs: number },
): Promise<readonly SseEvent[]> {
  const { afterId, lastEventId, nowEpochMs } = range;
  if (afterId === lastEventId) return [];
  const resync = [toResyncEvent(lastEventId, nowEpochMs)];
  if (afterId > lastEventId) return resync;
  const replay: SseEvent[] = [];
  for (let after = afterId; ; ) {
    const { events, complete } = await store.listEvents(after, PAGE);
    if (!complete) return resync;
    for (const { id, type, payload } of events) replay.push({ id, type, data: payload });
    if (events.length < PAGE) return replay;
    if (replay.length > MAX_REPLAYED_EVENTS) return resync;
    after = replay.at(-1)?.id ?? after;
  }
}

/** Tells a reader that it has missed events: read everything anew, then go on from this id. */
export const toResyncEvent = (lastEventId: number, nowEpochMs: number): SseEvent => ({
  id: lastEventId,
  type: 'resync',
  data: JSON.stringify({
    eventType: 'resync',
    lastEventId,
    timestamp: toIsoTime(nowEpochMs),
  }),
});
