import { request as openRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StoredEvent, StoreUnavailableError } from '#core';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';
import { EventHub } from './event-hub.js';

const event = (id: number, type = 'status_update_event'): StoredEvent => ({
  id,
  type,
  timestampEpochMs: id,
  payload: JSON.stringify({ eventType: type, n: id }),
});

/** One reader of the stream: frames as `id event`, in order of arrival. */
class Reader {
  readonly frames: string[] = [];
  headers: Readonly<Record<string, unknown>> = {};
  private text = '';
  private changed: () => void = () => undefined;
  private stop: () => void = () => undefined;

  static async open(
    port: number,
    path = '/v2/events',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reader> {
    const reader = new Reader();
    await new Promise<void>((resolve, reject) => {
      const request = openRequest({
        host: '127.0.0.1',
        port,
        path,
        headers: { accept: 'text/event-stream', ...headers },
      });
      reader.stop = () => request.destroy();
      request.once('error', reject);
      request.once('response', (response) => {
        reader.headers = response.headers;
        response.on('data', (chunk: Buffer) => reader.take(chunk.toString()));
        response.on('error', () => undefined);
        resolve();
      });
      request.end();
    });
    return reader;
  }

  /** Waits for a frame; the test's own time limit is the bound. */
  async until(frame: string): Promise<readonly string[]> {
    while (!this.frames.includes(frame)) {
      await new Promise<void>((resolve) => {
        this.changed = resolve;
      });
    }
    return this.frames;
  }

  close(): void {
    this.stop();
  }

  private take(chunk: string): void {
    this.text += chunk;
    const parts = this.text.split('\n\n');
    this.text = parts.pop() ?? '';
    for (const part of parts) {
      const id = /^id: (.*)$/m.exec(part)?.[1] ?? '-';
      const type = /^event: (.*)$/m.exec(part)?.[1];
      if (type !== undefined) this.frames.push(`${id} ${type}`);
    }
    this.changed();
  }
}

describe('the event stream', () => {
  let api: ApiUnderTest;
  let hub: EventHub;
  let port: number;
  let isStoreAway = false;
  const readers: Reader[] = [];
  const stored: StoredEvent[] = [];

  beforeAll(async () => {
    api = await startApi({
      store: {
        listEvents: async (afterId, limit) => {
          if (isStoreAway) throw new StoreUnavailableError('away');
          const oldest = stored[0]?.id ?? 0;
          return {
            events: stored.filter(({ id }) => id > afterId).slice(0, limit),
            complete: afterId >= oldest - 1,
          };
        },
      },
    });
    hub = api.app.get(EventHub);
    port = api.daemon.port;
  });
  afterAll(async () => {
    for (const reader of readers) reader.close();
    await api.daemon.close();
  });

  const open = async (path?: string, headers?: Record<string, string>): Promise<Reader> => {
    const reader = await Reader.open(port, path, headers);
    readers.push(reader);
    return reader;
  };

  const commit = (event: StoredEvent): void => {
    stored.push(event);
    api.engine.lastEventId = event.id;
    hub.publish([event]);
  };

  it('needs the Accept header of an event stream', async () => {
    const reply = await api.ask('GET', '/v2/events');

    expect(reply.statusCode).toBe(405);
  });

  it('says at once that the reader is attached, then what happens, with ids', async () => {
    const reader = await open();
    await reader.until('- event_stream_attached');

    commit(event(101));
    commit(event(102, 'deployment_success'));

    expect(await reader.until('102 deployment_success')).toEqual([
      '- event_stream_attached',
      '101 status_update_event',
      '102 deployment_success',
    ]);
    expect(reader.headers['content-type']).toContain('text/event-stream');
    expect(reader.headers['x-marathon-leader']).toBe('http://127.0.0.1:8080');
  });

  it('sends the types asked for only', async () => {
    const reader = await open('/v2/events?event_type=deployment_success&event_type=x');

    commit(event(103));
    commit(event(104, 'deployment_success'));

    expect(await reader.until('104 deployment_success')).toEqual(['104 deployment_success']);
  });

  it('replays what a reader has missed, each once and in order', async () => {
    const reader = await open('/v2/events', { 'last-event-id': '102' });

    commit(event(105));

    expect(await reader.until('105 status_update_event')).toEqual([
      '- event_stream_attached',
      '103 status_update_event',
      '104 deployment_success',
      '105 status_update_event',
    ]);
  });

  it.each(['5', '999999'])('tells a reader that was at %s to read everything anew', async (id) => {
    const reader = await open('/v2/events', { 'last-event-id': id });

    expect(await reader.until('105 resync')).toEqual(['- event_stream_attached', '105 resync']);
  });

  it('tells the same when the database is away, and goes on', async () => {
    isStoreAway = true;
    const reader = await open('/v2/events?lastEventId=103');
    await reader.until('105 resync');
    isStoreAway = false;

    commit(event(106));

    await reader.until('106 status_update_event');
  });

  it('tells the others when a reader leaves', async () => {
    const stays = await open();
    const leaves = await open();
    await leaves.until('- event_stream_attached');

    leaves.close();

    await stays.until('- event_stream_detached');
  });
});
