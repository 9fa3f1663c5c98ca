/** Marathon's contract, section 4: how events are sent; ids and replay, filters, and the bound of each reader. */
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StoredEvent } from '#core';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';
import { EventHub } from '../events/event-hub.js';
import { type ContractUnderTest, startContract } from './contract-api.test-support.js';
import { EventReader } from './event-reader.test-support.js';
import { shownBy } from './shown-by.test-support.js';

const anEvent = (id: number, bytes = 0): StoredEvent => ({
  id,
  type: 'status_update_event',
  timestampEpochMs: id,
  payload: JSON.stringify({ eventType: 'status_update_event', fill: 'x'.repeat(bytes) }),
});
const idsOf = (
  events: readonly { readonly id: number | undefined }[],
  last = Number.POSITIVE_INFINITY,
): readonly number[] => events.flatMap(({ id }) => (id !== undefined && id <= last ? [id] : []));

describe('4. Event stream: frames, ids and replay', () => {
  let contract: ContractUnderTest;
  const readers: EventReader[] = [];
  beforeAll(async () => {
    contract = await startContract();
  });
  afterAll(async () => {
    for (const reader of readers) reader.close();
    await contract.close();
  });

  const open = async (
    api: ApiUnderTest,
    path?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<EventReader> => {
    const reader = await EventReader.open(api.daemon.port, path, headers);
    readers.push(reader);
    return reader;
  };
  const run = async (id: string): Promise<void> => {
    const app = { cmd: 'x', cpus: 0.1 };
    expect((await contract.api.ask('PUT', `/v2/apps${id}`, app)).statusCode).toBeLessThan(300);
    await contract.idle();
  };
  const lastId = (): number => contract.harness.events.at(-1)?.id ?? 0;

  it('frames: event and one line of data, as stored; ids without gaps, in the order of the commits', async () => {
    const reader = await open(contract.api);
    const first = lastId() + 1;
    await run('/frames');
    const last = lastId();

    const events = await reader.until((all) => all.some(({ id }) => id === last));

    const count = last - first + 1;
    expect(idsOf(events, last)).toEqual(Array.from({ length: count }, (_, index) => first + index));
    const { events: stored } = await contract.harness.store.listEvents(first - 1, count);
    const sent = events.filter(({ id }) => id !== undefined && id <= last);
    expect(sent.map(({ data }) => data)).toEqual(stored.map(({ payload }) => JSON.parse(payload)));
  });

  it('Last-Event-ID: what was missed comes first, each once, by header and by query', async () => {
    await run('/replay/one');
    const missed = lastId() - 3;

    const byHeader = await open(contract.api, '/v2/events', { 'last-event-id': `${missed}` });
    const byQuery = await open(contract.api, `/v2/events?lastEventId=${missed}`);
    await run('/replay/two');
    const last = lastId();

    for (const reader of [byHeader, byQuery]) {
      const events = await reader.until((all) => all.some(({ id }) => id === last));
      const expected = Array.from({ length: last - missed }, (_, index) => missed + 1 + index);
      expect(idsOf(events, last)).toEqual(expected);
    }
  });

  it('event_type: repeatable, of what is replayed too; without one everything', async () => {
    const types = ['deployment_success', 'app_terminated_event'];
    const query = types.map((type) => `event_type=${type}`).join('&');
    const reader = await open(contract.api, `/v2/events?${query}`, { 'last-event-id': '0' });
    await contract.api.ask('DELETE', '/v2/apps/replay/two');

    await reader.untilType('app_terminated_event');

    expect(new Set(reader.events.map(({ type }) => type))).toEqual(new Set(types));
    const replayed = contract.harness.events.filter(({ type }) => type === 'deployment_success');
    expect(idsOf(reader.events)).toEqual(expect.arrayContaining(replayed.map(({ id }) => id)));
  });

  it('event_type: more than 100 are refused, and unknown ones send nothing', async () => {
    const many = Array.from({ length: 101 }, (_, index) => `event_type=t${index}`).join('&');
    const headers = { host: 'localhost', accept: 'text/event-stream' };
    const answer = await contract.api.inject({ method: 'GET', url: `/v2/events?${many}`, headers });
    const reader = await open(
      contract.api,
      '/v2/events?event_type=t0&event_type=app_terminated_event',
    );
    await run('/types');
    await contract.api.ask('DELETE', '/v2/apps/types');

    await reader.untilType('app_terminated_event');

    expect([answer.statusCode, answer.json().details[0].path]).toEqual([422, '/event_type']);
    expect(reader.events.map(({ type }) => type)).toEqual(['app_terminated_event']);
  });

  it.each(['none-of-ours', '-1', '12345678901234567890', '1e3'])(
    'Last-Event-ID %s was never given: one resync tells to read everything anew',
    async (id) => {
      const reader = await open(contract.api, '/v2/events', { 'last-event-id': id });

      const { data } = await reader.untilType('resync');

      expect(data['lastEventId']).toBeGreaterThan(0);
      expect(data['lastEventId']).toBeLessThanOrEqual(lastId());
    },
  );

  it('after a fail-over: the new leader replays from the stored log, and its ids go on', async () => {
    await run('/failover/one');
    const { harness } = contract;
    const missed = lastId() - 2;
    harness.crash();
    await harness.start();
    const leader = await startApi({ isLoaded: false });
    leader.runtime.open({ engine: harness.engine, store: harness.store });
    contract.api.runtime.open({ engine: harness.engine, store: harness.store });

    await run('/failover/two');
    const last = lastId();
    const reader = await open(leader, '/v2/events', { 'last-event-id': `${missed}` });
    const events = await reader.until((all) => all.some(({ id }) => id === last));

    expect(idsOf(events, last)).toEqual(
      Array.from({ length: last - missed }, (_, index) => missed + 1 + index),
    );
    const types = events.map(({ type }) => type);
    expect(types).toContain('scheduler_reregistered_event');
    expect(types).not.toContain('resync');
    await leader.daemon.close();
  });

  shownBy(
    'Sent only by the leader: a standby passes its stream on, unbuffered',
    'apps/controller/src/runtime/leader-gate.spec.ts',
    '2878: passes the event stream on as it flows',
  );
  shownBy(
    'what cannot be replayed is told by resync',
    'apps/controller/src/events/events.spec.ts',
    'tells the same when the database is away, and goes on',
  );
});

describe('4. Event stream: the bound of each reader', () => {
  let api: ApiUnderTest;
  let hub: EventHub;
  let stored: readonly StoredEvent[] = [];
  const sockets: Socket[] = [];
  beforeAll(async () => {
    api = await startApi({
      store: {
        listEvents: async (afterId, limit) => {
          const [first] = stored;
          const start = Math.max(0, afterId + 1 - (first?.id ?? 1));
          return { events: stored.slice(start, start + limit), complete: true };
        },
      },
    });
    hub = api.app.get(EventHub);
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(() => api.daemon.close());

  /** Asks for the stream and reads nothing of it. */
  const openUnread = async (headers = ''): Promise<Socket> => {
    const before = hub.hub.size;
    const socket = connect(api.daemon.port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(
      `GET /v2/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n${headers}\r\n`,
    );
    while (hub.hub.size === before) await new Promise(setImmediate);
    return socket;
  };
  const leaves = async (count: number): Promise<void> => {
    while (hub.hub.size > count) await new Promise(setImmediate);
  };

  it('a reader that reads nothing is cut off, and costs the others nothing', async () => {
    await openUnread();
    const quick = await EventReader.open(api.daemon.port);
    const size = hub.hub.size;
    const count = 400;

    for (let id = 1; id <= count; id += 1) {
      hub.publish([anEvent(id, 64 * 1024)]);
      await quick.until((events) => events.some((event) => event.id === id));
    }
    await leaves(size - 1);

    expect(idsOf(quick.events)).toHaveLength(count);
    expect(quick.isClosed).toBe(false);
    quick.close();
    await leaves(0);
  });

  it('a replay of more than the bound reaches whoever reads it, at their pace', async () => {
    const count = 5_000;
    stored = Array.from({ length: count }, (_, index) => anEvent(1_000 + index, 4 * 1024));
    api.engine.lastEventId = 999 + count;

    const reader = await EventReader.open(api.daemon.port, '/v2/events?lastEventId=999');
    await reader.until(({ length }) => length > 100);
    hub.publish([anEvent(1_000 + count)]);
    const events = await reader.until((all) => all.some(({ id }) => id === 1_000 + count));

    const expected = Array.from({ length: count + 1 }, (_, index) => 1_000 + index);
    expect(idsOf(events)).toEqual(expected);
    reader.close();
    await leaves(0);
  });

  it('a replay nobody reads stops, is held in no memory, and ends with its reader', async () => {
    let pages = 0;
    stored = new Proxy(stored, {
      get: (list, name) => {
        if (name === 'slice') pages += 1;
        return Reflect.get(list, name);
      },
    });
    const socket = await openUnread('last-event-id: 999\r\n');

    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
    const seen = pages;
    socket.destroy();
    await leaves(0);

    // 20 MiB in ten pages of 500: what the kernel takes, and no more.
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(10);
  });

  it('more than 10,000 events are not replayed: one resync tells to read everything anew', async () => {
    stored = [];
    api.engine.lastEventId = 20_002;

    const reader = await EventReader.open(api.daemon.port, '/v2/events?lastEventId=10001');
    const event = await reader.untilType('resync');

    expect(event).toMatchObject({ id: 20_002, data: { lastEventId: 20_002 } });
    reader.close();
    await leaves(0);
  });
});
