import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { StoredEvent } from '#core';
import { SseHub } from '#platform';
import type { EventSink } from '../engine/controller-engine.port.js';

/** Bytes that may wait for one reader before it is cut off. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/** All readers of /v2/events. Committed events come in by {@link publish}, in the order of their ids. */
@Injectable()
export class EventHub implements EventSink, OnModuleDestroy {
  readonly hub = new SseHub({ maxBufferedBytes: MAX_BUFFERED_BYTES });

  publish(events: readonly StoredEvent[]): void {
    for (const { id, type, payload } of events) this.hub.publish({ id, type, data: payload });
  }

  /** An event that is not stored, so it has no id. */
  announce(type: string, payload: string): void {
    this.hub.publish({ type, data: payload });
  }

  onModuleDestroy(): void {
    this.hub.close();
  }
}
