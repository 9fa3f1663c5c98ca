import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StoreUnavailableError } from '#core';
import { toEventPayload } from '#marathon-v2';
import { ApiError, type SseClient, type SseEvent } from '#platform';
import { apiHeaders } from '../http/marathon-headers.js';
import { type Query, readText, readTexts } from '../http/query.js';
import { badQuery } from '../lists/bad-query.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { EventHub } from './event-hub.js';
import { loadReplay, replayTo, toResyncEvent } from './replay.js';

/** Readers at once. */
const MAX_READERS = 1024;
const MAX_TYPES = 100;

/** /v2/events: what happens, as server-sent events with ids. */
@ApiTags('events')
@Controller('v2/events')
export class EventsController {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly events: EventHub,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Event stream; needs Accept: text/event-stream' })
  @ApiQuery({ name: 'event_type', required: false, isArray: true })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'go on after this event' })
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!/\btext\/event-stream\b/i.test(request.headers.accept ?? '')) {
      throw new ApiError(405, 'This resource is an event stream: send Accept: text/event-stream');
    }
    const { view } = this.runtime.engine;
    if (request.method === 'HEAD') {
      void reply.header('content-type', 'text/event-stream; charset=utf-8').send();
      return;
    }
    if (this.events.hub.size >= MAX_READERS) {
      throw new ApiError(503, `${MAX_READERS} readers follow the events already`, {
        headers: { 'retry-after': '10' },
      });
    }
    const query = request.query as Query;
    const names = readTexts(query, 'event_type');
    if (names.length > MAX_TYPES) {
      throw badQuery('event_type', `is given ${names.length} times, the limit is ${MAX_TYPES}`);
    }
    const types = names.length === 0 ? undefined : new Set([...names, 'resync']);
    const afterId = readLastEventId(request, query);
    const client = this.attach(reply, request.ip, types);
    if (afterId !== undefined) {
      const goesOn = await this.replay(client, { afterId, lastEventId: view.lastEventId(), types });
      if (!goesOn) return;
    }
    client.release();
  }

  /** The new reader is told first that it is attached, so its headers and one event go out at once. */
  private attach(
    reply: FastifyReply,
    remoteAddress: string,
    types: ReadonlySet<string> | undefined,
  ): SseClient {
    const attached = this.toStreamEvent('event_stream_attached', remoteAddress);
    this.events.announce(attached.type, attached.data);
    const client = this.events.hub.add(reply, {
      types,
      hold: true,
      headers: { ...apiHeaders(this.runtime), 'x-accel-buffering': 'no' },
    });
    if (types?.has(attached.type) ?? true) client.send(attached);
    reply.raw.once('close', () => {
      const detached = this.toStreamEvent('event_stream_detached', remoteAddress);
      this.events.announce(detached.type, detached.data);
    });
    return client;
  }

  /** A reader that cannot be given what it missed is told so; the stream itself goes on. */
  private async replay(
    client: SseClient,
    missed: {
      readonly afterId: number;
      readonly lastEventId: number;
      readonly types: ReadonlySet<string> | undefined;
    },
  ): Promise<boolean> {
    const { afterId, lastEventId, types } = missed;
    const nowEpochMs = this.runtime.nowEpochMs();
    try {
      const pages = loadReplay(this.runtime.store, { afterId, lastEventId, nowEpochMs });
      return await replayTo(client, pages, types);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      client.send(toResyncEvent(lastEventId, nowEpochMs));
      return true;
    }
  }

  private toStreamEvent(
    eventType: 'event_stream_attached' | 'event_stream_detached',
    remoteAddress: string,
  ): SseEvent {
    const data = toEventPayload({ eventType, remoteAddress }, this.runtime.nowEpochMs());
    return { type: eventType, data };
  }
}

/**
 * By header, as browsers reconnect, or by query for clients that cannot set it. What is no id of ours is one we never
 * gave: whoever has read so far has to read everything anew.
 */
function readLastEventId(request: FastifyRequest, query: Query): number | undefined {
  const header = request.headers['last-event-id'];
  const text = typeof header === 'string' ? header : readText(query, 'lastEventId');
  if (text === undefined || text === '') return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.MAX_SAFE_INTEGER;
}
