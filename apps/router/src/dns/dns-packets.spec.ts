import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { decode } from 'dns-packet';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#platform';
import { AppNames } from './app-names.js';
import {
  askTcp,
  askUdp,
  dnsApp,
  dnsTask,
  eventually,
  opt,
  query,
  UdpClient,
} from './dns.test-support.js';
import { DnsResponder } from './dns-responder.js';
import { DnsServer } from './dns-server.js';
import { Forwarder, isAnswerTo } from './forwarder.js';
import { TcpListener } from './tcp-listener.js';
import { lengthPrefixed } from './tcp-messages.js';

const names = new AppNames({
  naming: { domain: 'pacer', mesosDomain: 'mesos', framework: 'marathon', weight: 1 },
  edgeAddresses: ['192.0.2.1'],
  logger: createLogger('router'),
  serial: 4_294_967_290,
  onChange: () => undefined,
});
const responder = new DnsResponder({
  zone: names.zone,
  authority: () => names.authority({ ttlSeconds: 5, negativeTtlSeconds: 5 }),
  isReady: () => true,
  maxRecords: 1_000,
  mayForward: () => false,
});
const server = new DnsServer({
  host: '127.0.0.1',
  port: 0,
  maxConnections: 4,
  responder,
  forwarder: new Forwarder([]),
  logger: createLogger('router'),
});
const port = (): number => server.port ?? 0;
const withBytes = (message: Buffer, at: number, ...bytes: readonly number[]): Buffer => {
  const changed = Buffer.from(message);
  for (const [index, byte] of bytes.entries()) changed[at + index] = byte;
  return changed;
};
const ASK = query('web.pacer', 'A');
const OPCODE_STATUS = 0x10;

beforeAll(async () => {
  names.takeNow(dnsApp('/web', [dnsTask(1)]));
  names.takeNow(
    dnsApp(
      '/big',
      Array.from({ length: 200 }, (_, index) => dnsTask(index + 1)),
    ),
  );
  await server.start();
});
afterAll(() => server.stop());

describe('a message', () => {
  it('above all that TCP can carry has as many records as fit, and asks for no other try', async () => {
    const id = `/${'x'.repeat(60)}/${'y'.repeat(60)}`;
    const tasks = Array.from({ length: 1_000 }, (_, index) => dnsTask(index + 1));
    names.takeNow(dnsApp(id, tasks));
    const ask = query(`_${'y'.repeat(60)}._tcp.${'x'.repeat(60)}.pacer`, 'SRV');

    const [whole] = await askTcp(port(), [ask]);
    const cut = await askUdp(port(), ask);
    names.put(id, undefined, new Map());

    expect(whole).toMatchObject({ flag_tc: false, rcode: 'NOERROR' });
    expect(whole?.answers?.length).toBeGreaterThan(300);
    expect(whole?.answers?.length).toBeLessThan(1_000);
    expect(cut.flag_tc).toBe(true);
  });

  it('gets its question back as it was asked, and its records under that name', async () => {
    const answer = await askUdp(port(), query('wEb.PaCeR', 'A'));

    expect(answer).toMatchObject({
      id: 4711,
      type: 'response',
      flag_aa: true,
      flag_ra: false,
      rcode: 'NOERROR',
      questions: [{ name: 'wEb.PaCeR', type: 'A', class: 'IN' }],
      answers: [{ name: 'wEb.PaCeR', type: 'A', ttl: 5, data: '10.0.0.1' }],
    });
  });

  it('says how much it takes, and gets no more', async () => {
    const sizeOf = async (extra: Parameters<typeof query>[2]): Promise<number> => {
      const client = new UdpClient(port());
      const { length } = await client.ask(query('big.pacer', 'A', extra));
      client.close();
      return length;
    };

    expect(await sizeOf({})).toBeLessThanOrEqual(512);
    expect(await sizeOf({ additionals: opt(100) })).toBeLessThanOrEqual(512);
    expect(await sizeOf({ additionals: opt(800) })).toBeGreaterThan(700);
    expect(await sizeOf({ additionals: opt(800) })).toBeLessThanOrEqual(800);
    expect(await sizeOf({ additionals: opt(65_535) })).toBeLessThanOrEqual(1_232);
    const { additionals } = await askUdp(
      port(),
      query('web.pacer', 'A', { additionals: opt(800) }),
    );
    expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1_232, ednsVersion: 0 }]);
  });

  it.each([
    [
      'of another version of EDNS',
      query('web.pacer', 'A', { additionals: opt(800, 1) }),
      'NOERROR',
      1,
    ],
    [
      'with two OPT records',
      query('web.pacer', 'A', { additionals: [...opt(800), ...opt(800)] }),
      'FORMERR',
      0,
    ],
    ['with another opcode', withBytes(ASK, 2, OPCODE_STATUS), 'NOTIMP', 0],
    ['without a question', withBytes(ASK, 4, 0, 0), 'FORMERR', 0],
    ['with two questions', withBytes(ASK, 4, 0, 2), 'FORMERR', 0],
    ['with an answer in it', withBytes(ASK, 6, 0, 1), 'FORMERR', 0],
    ['cut in its question', ASK.subarray(0, 15), 'FORMERR', 0],
    ['cut before its class', ASK.subarray(0, ASK.length - 1), 'FORMERR', 0],
    ['with a pointer for a name', withBytes(ASK, 12, 0xc0, 0x0c), 'FORMERR', 0],
    ['that promises a record more', withBytes(ASK, 10, 0, 1), 'FORMERR', 0],
    ['of class CH', withBytes(ASK, ASK.length - 2, 0, 3), 'REFUSED', 0],
    ['for a zone transfer', withBytes(ASK, ASK.length - 4, 0, 252), 'REFUSED', 0],
    ['of a type for servers among themselves', withBytes(ASK, ASK.length - 4, 0, 249), 'NOTIMP', 0],
    ['of a type nobody knows', withBytes(ASK, ASK.length - 4, 0xab, 0xcd), 'NOERROR', 0],
  ])('%s is told so', async (_what, message, rcode, extended) => {
    const answer = (await askUdp(port(), message)) as unknown as {
      readonly rcode: string;
      readonly answers: readonly unknown[];
      readonly additionals: readonly { readonly extendedRcode?: number }[];
    };

    expect(answer.rcode).toBe(rcode);
    expect(answer.answers).toEqual([]);
    expect(answer.additionals[0]?.extendedRcode ?? 0).toBe(extended);
  });

  it('is not answered when it is an answer itself, or no message', async () => {
    const client = new UdpClient(port());
    client.send(withBytes(ASK, 2, 0x80));
    client.send(Buffer.alloc(0));
    client.send(ASK.subarray(0, 11));

    await client.ask(query('web.pacer', 'A', { id: 99 }));

    expect(client.received.map((one) => one.readUInt16BE(0))).toEqual([99]);
    client.close();
  });

  it('with a dot within a label means another name', async () => {
    const inLabel = Buffer.concat([
      ASK.subarray(0, 12),
      Buffer.from('\x09web.pacer\0', 'latin1'),
      ASK.subarray(ASK.length - 4),
    ]);

    expect(await askUdp(port(), inLabel)).toMatchObject({ rcode: 'REFUSED' });
  });
});

describe('whatever bytes come', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    // Almost right.
    fc
      .tuple(
        fc.constantFrom('web.pacer', '_web._tcp.pacer', 'x.y', '1.0.0.10.in-addr.arpa'),
        fc.constantFrom('A', 'SRV', 'PTR', 'SOA'),
        fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }),
        fc.boolean(),
      )
      .map(([name, type, changes, hasOpt]) => {
        const message = query(name, type, hasOpt ? { additionals: opt(700) } : {});
        for (const [at, byte] of changes) if (at < message.length) message[at] = byte;
        return new Uint8Array(message);
      }),
  );

  it('no answer throws, is larger than it may be, or answers an answer', () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        const message = Buffer.from(raw);
        const response = responder.respond(message, '127.0.0.1', 'udp');

        if (response.kind !== 'reply') {
          expect(message.length < 12 || (message[2] ?? 0) >= 0x80).toBe(true);
          return;
        }
        expect(response.bytes.length).toBeLessThanOrEqual(1_232);
        expect(response.bytes.readUInt16BE(0)).toBe(message.readUInt16BE(0));
        expect((response.bytes[2] ?? 0) & 0x80).toBe(0x80);
        // A reader of others' making takes it.
        expect(() => decode(response.bytes)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });

  it('the server goes on by UDP and TCP', async () => {
    const client = new UdpClient(port());
    for (let count = 0; count < 200; count += 1) client.send(randomBytes(count % 97));
    for (let count = 0; count < 10; count += 1) {
      const socket = connect({ host: '127.0.0.1', port: port() });
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.end(randomBytes(500));
    }

    await eventually(async () => {
      expect(await askUdp(port(), ASK)).toMatchObject({ rcode: 'NOERROR' });
      expect(await askTcp(port(), [ASK])).toMatchObject([{ rcode: 'NOERROR' }]);
    });
    client.close();
  });
});

describe('a connection', () => {
  const open = async (target: number) => {
    const socket = connect({ host: '127.0.0.1', port: target });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  /** Not `once` of events: it rejects where a write is answered by a reset, which ends a connection as well. */
  const closeOf = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      if (socket.closed) resolve();
      else socket.once('close', () => resolve());
    });

  it('carries many questions, whatever the chunks', async () => {
    const asked = Array.from({ length: 100 }, (_, id) => query('big.pacer', 'A', { id }));

    const answers = await askTcp(port(), asked);

    expect(answers.map(({ id }) => id)).toEqual(asked.map((_, id) => id));
    expect(answers.every((one) => one.answers?.length === 200)).toBe(true);
    const socket = await open(port());
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    for (const byte of lengthPrefixed(ASK)) socket.write(Buffer.from([byte]));
    await eventually(() => expect(Buffer.concat(received).length).toBeGreaterThan(40));
    socket.destroy();
  });

  it('gives way when there are too many, the one idle for longest first', async () => {
    const sockets = [];
    for (let count = 0; count < 4; count += 1) sockets.push(await open(port()));
    await eventually(() => expect(server.connections).toBe(4));
    const [idle] = sockets;
    const closed = closeOf(idle ?? (await open(port())));

    sockets.push(await open(port()));

    await closed;
    await eventually(() => expect(server.connections).toBe(4));
    for (const socket of sockets) socket.destroy();
    await eventually(() => expect(server.connections).toBe(0));
  });

  it('ends when nothing is asked, and when a message does not come to its end', async () => {
    const listener = new TcpListener({
      handle: (_message, _origin, reply) => reply(undefined),
      maxConnections: 4,
      onError: () => undefined,
      idleMs: 100,
    });
    await listener.listen('127.0.0.1', 0);
    const [idle, slow] = [await open(listener.port), await open(listener.port)];
    const drip = setInterval(() => slow.write(Buffer.from([0])), 20);
    slow.write(Buffer.from([4, 0]));

    await Promise.all([closeOf(idle), closeOf(slow)]);

    clearInterval(drip);
    expect(listener.size).toBe(0);
    listener.close();
  });

  it('ends when more is announced than a question can have', async () => {
    const socket = await open(port());
    const closed = closeOf(socket);

    socket.write(Buffer.from([0xff, 0xff]));

    await closed;
  });
});

it('believes an answer only of the question that was asked', () => {
  const asked = query('example.com', 'A');
  const right = withBytes(asked, 2, 0x80);

  expect(isAnswerTo(asked, right)).toBe(true);
  expect(isAnswerTo(asked, asked)).toBe(false);
  expect(isAnswerTo(asked, withBytes(right, 0, 9))).toBe(false);
  expect(isAnswerTo(asked, withBytes(query('example.org', 'A'), 2, 0x80))).toBe(false);
  expect(isAnswerTo(asked, right.subarray(0, 20))).toBe(false);
});

it('lets the serial run over, and never stand still', () => {
  const before = names.serial;
  for (let count = 0; count < 10; count += 1) names.takeNow(dnsApp('/web', [dnsTask(2 + count)]));

  expect((names.serial - before + 2 ** 32) % 2 ** 32).toBe(10);
});
