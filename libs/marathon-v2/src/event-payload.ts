import { toIsoTime } from './iso-time.js';
import type { MarathonEvent } from './wire-event.js';

/** The one-line JSON of an event, as stored and as sent: its fields in order, then when it happened. */
export const toEventPayload = (event: MarathonEvent, epochMs: number): string =>
  JSON.stringify({ ...event, timestamp: toIsoTime(epochMs) });
