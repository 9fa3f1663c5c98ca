import type { ControllerStore } from '#core';
import { toIsoTime } from '#marathon-v2';
import type { SseClient, SseEvent } from '#platform';

/** Events replayed to one reader; whoever missed more reads a snapshot instead, which is cheaper for both. */
export const MAX_REPLAYED_EVENTS = 10_000;
/** Events in memory at once for one reader; one may hold the plan of a big deployment. */
const PAGE = 500;

/**
 * The stored events after `afterId`, page by page, or a `resync` event when they cannot all be given: too many, dropped
 * already, or of another database (an id that lies in the future).
 */
export async function* loadReplay(
  store: ControllerStore,
  range: { readonly afterId: number; readonly lastEventId: number; readonly nowEpochMs: number },
): AsyncGenerator<readonly SseEvent[], void> {
  const { afterId, lastEventId, nowEpochMs } = range;
  if (afterId === lastEventId) return;
  const resync = [toResyncEvent(lastEventId, nowEpochMs)];
  // Ids are given without gaps.
  if (afterId > lastEventId || lastEventId - afterId > MAX_REPLAYED_EVENTS) {
    yield resync;
    return;
  }
  for (let after = afterId; ; ) {
    const { events, complete } = await store.listEvents(after, PAGE);
    if (!complete) {
      yield resync;
      return;
    }
    yield events.map(({ id, type, payload }) => ({ id, type, data: payload }));
    const last = events.at(-1);
    // What came since is on its way to the reader already.
    if (last === undefined || events.length < PAGE || last.id >= lastEventId) return;
    after = last.id;
  }
}

/** Sends older events at the pace the reader takes them. False: it has left, or did not read and was cut off. */
export async function replayTo(
  client: SseClient,
  pages: AsyncIterable<readonly SseEvent[]>,
  types: ReadonlySet<string> | undefined,
): Promise<boolean> {
  for await (const page of pages) {
    for (const event of page) {
      if (types !== undefined && !types.has(event.type)) continue;
      client.send(event);
      if (!(await client.drained())) return false;
    }
  }
  return true;
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
