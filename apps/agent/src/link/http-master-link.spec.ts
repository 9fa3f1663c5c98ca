import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type AgentCall, type AgentMessageBody, encodeRecord } from '#mesos-v1';
import { settle, VirtualClock } from '../../../../test/support/virtual-clock.js';
import { HttpMasterLink } from './http-master-link.js';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Handler = (call: AgentCall, response: ServerResponse) => void;

async function startMaster(handler: Handler): Promise<string> {
  const server: Server = createServer((request, response) => {
    void readBody(request).then((text) => handler(JSON.parse(text) as AgentCall, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

const record = (body: AgentMessageBody, sequence: number) =>
  encodeRecord(JSON.stringify({ ...body, epoch: 1, stream_id: 's', sequence }));
const subscribed: AgentMessageBody = {
  type: 'SUBSCRIBED',
  subscribed: { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 },
};

/** Opens a link and notes what it says; `until` waits for the first note that contains a text. */
function openLink(masters: readonly string[]) {
  const clock = new VirtualClock();
  const notes: string[] = [];
  const link = new HttpMasterLink({
    masters,
    clock,
    random: () => 0.5,
    headers: () => ({ authorization: 'Basic eDp5' }),
    log: () => undefined,
  });
  closers.push(() => void link.close());
  link.open({
    subscribe: () => ({
      type: 'SUBSCRIBE',
      subscribe: {
        agent_info: { hostname: 'h', port: 1, resources: [], attributes: [] },
        version: '1',
        highest_epoch: 0,
        tasks: [],
        frameworks: [],
      },
    }),
    opened: (connection) => notes.push(`opened ${connection}`),
    message: (_connection, message) => notes.push(`${message.type} ${message.sequence}`),
    closed: (_connection, reason) => notes.push(`closed ${reason}`),
  });
  const until = async (text: string, count = 1): Promise<void> => {
    for (let turn = 0; turn < 2_000; turn += 1) {
      if (notes.filter((note) => note.includes(text)).length >= count) return;
      await clock.advance(50);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    throw new Error(`never saw "${text}" ${count} times in ${JSON.stringify(notes)}`);
  };
  return { link, notes, until, clock };
}

test('messages arrive in order however the bytes are cut', async () => {
  const master = await startMaster((_call, response) => {
    const bytes = Buffer.from(record(subscribed, 1) + record({ type: 'PING' }, 2));
    response.writeHead(200);
    for (const byte of bytes) response.write(Buffer.from([byte]));
  });

  const { notes, until } = openLink([master]);
  await until('PING');

  expect(notes.map((note) => note.split(' ')[0])).toEqual(['opened', 'SUBSCRIBED', 'PING']);
});

test('a stream that breaks is opened again', async () => {
  const master = await startMaster((_call, response) => {
    response.writeHead(200);
    response.write(record(subscribed, 1), () => response.destroy());
  });

  const { until } = openLink([master]);

  await until('SUBSCRIBED', 3);
  await until('closed', 2);
});

test('a redirect is followed to the leader, and calls go there too', async () => {
  const calls: string[] = [];
  const leader = await startMaster((call, response) => {
    if (call.type === 'SUBSCRIBE') {
      response.writeHead(200);
      response.write(record(subscribed, 1));
      return;
    }
    calls.push(call.type);
    response.writeHead(202).end();
  });
  const standby = await startMaster((_call, response) => {
    response.writeHead(307, { location: `${leader.replace('http:', '')}/api/v1/agent` }).end();
  });

  const { link, until } = openLink([standby]);
  await until('SUBSCRIBED');
  await link.send({ type: 'PONG', agent_id: { value: 'a1' }, stream_id: 's' });

  expect(calls).toEqual(['PONG']);
});

test('when a master refuses, the next one is tried', async () => {
  const down = await startMaster((_call, response) => response.writeHead(503).end('recovering'));
  const up = await startMaster((_call, response) => {
    response.writeHead(200);
    response.write(record(subscribed, 1));
  });

  const { until } = openLink([down, 'http://127.0.0.1:1', up]);

  await until('SUBSCRIBED');
});

test('a master that does not answer is left for the next one long before the agent counts as lost', async () => {
  const frozen = await startMaster(() => undefined);
  const up = await startMaster((_call, response) => {
    response.writeHead(200);
    response.write(record(subscribed, 1));
  });

  const { until, clock } = openLink([frozen, up]);
  await until('SUBSCRIBED');

  expect(clock.now().monoMs).toBeGreaterThanOrEqual(5_000);
  expect(clock.now().monoMs).toBeLessThan(8_000);
});

test('a master that takes the subscription and says nothing is left as well', async () => {
  const mute = await startMaster((_call, response) => {
    response.writeHead(200);
    response.flushHeaders();
  });
  const up = await startMaster((_call, response) => {
    response.writeHead(200);
    response.write(record(subscribed, 1));
  });

  const { until } = openLink([mute, up]);

  await until('closed no answer within 5000 ms');
  await until('SUBSCRIBED');
});

test('a master that is only slow is given longer each time, so that it is not asked for ever', async () => {
  const attempts: number[] = [];
  let note = (): void => undefined;
  const slow = await startMaster(() => note());
  const { clock } = openLink([slow]);
  note = () => attempts.push(clock.now().monoMs);

  for (let turn = 0; turn < 4_000 && attempts.length < 6; turn += 1) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }

  const waits = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
  const secondsAtLeast = waits.map((ms) => Math.floor(ms / 5_000) * 5);
  expect(secondsAtLeast.slice(0, 2)).toEqual([5, 10]);
  expect(Math.max(...waits)).toBeLessThan(40_000);
  expect(waits[3]).toBeGreaterThanOrEqual(30_000);
});

test('a call the master no longer takes from this stream makes the link subscribe again', async () => {
  const master = await startMaster((call, response) => {
    if (call.type === 'SUBSCRIBE') {
      response.writeHead(200);
      response.write(record(subscribed, 1));
      return;
    }
    response.writeHead(403).end('stream s is not current');
  });
  const { link, until } = openLink([master]);
  await until('SUBSCRIBED');

  await expect(
    link.send({ type: 'PONG', agent_id: { value: 'a1' }, stream_id: 's' }),
  ).rejects.toThrow('answered PONG with 403');

  await until('SUBSCRIBED', 2);
});

test('an unreadable record breaks the stream', async () => {
  const master = await startMaster((_call, response) => {
    response.writeHead(200);
    response.write('nonsense\n');
  });

  const { until } = openLink([master]);

  await until('closed unreadable record');
});

test('a paused link stays away until it is resumed', async () => {
  let subscriptions = 0;
  const master = await startMaster((_call, response) => {
    subscriptions += 1;
    response.writeHead(200);
    response.write(record(subscribed, 1));
  });
  const { link, until } = openLink([master]);
  await until('SUBSCRIBED');

  link.pause('told to');
  await settle();
  const before = subscriptions;
  link.resume();
  await until('SUBSCRIBED', 2);

  expect(before).toBe(1);
});
