import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type DecodedPacket, decode, encode, type Packet } from 'dns-packet';
import { vi } from 'vitest';
import type { WireApp, WireTask } from '#marathon-v2';
import { lengthPrefixed, MessageReader } from './tcp-messages.js';

/** How long an answer may take; a test that expects none waits for another answer instead. */
const LIMIT_MS = 10_000;
const MAX_MESSAGE = 65_535;

export const DNS_TASK: WireTask = {
  appId: '/shop/web',
  id: 'shop_web.instance-1._app.1',
  host: '127.0.0.1',
  ports: [31_000],
  servicePorts: [10_000],
  ipAddresses: [],
  slaveId: 'agents-S1',
  state: 'TASK_RUNNING',
  version: 'v1',
  localVolumes: [],
  role: '*',
};

export const dnsTask = (number: number, extra: Partial<WireTask> = {}): WireTask => ({
  ...DNS_TASK,
  id: `shop_web.instance-${number}._app.1`,
  host: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`,
  ...extra,
});

export const dnsApp = (
  id: string,
  tasks: readonly WireTask[],
  extra: Partial<WireApp> = {},
): WireApp => ({
  id,
  labels: {},
  instances: tasks.length,
  cpus: 0.1,
  mem: 32,
  disk: 0,
  gpus: 0,
  networks: [{ mode: 'host' }],
  portDefinitions: [{ port: 10_000, protocol: 'tcp', name: 'http', labels: {} }],
  requirePorts: false,
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  version: 'v1',
  tasks,
  ...extra,
});

/** A query as a stub resolver sends it. */
export const query = (name: string, type: string, extra: Packet = {}): Buffer =>
  encode({
    type: 'query',
    id: 4711,
    questions: [{ name, type: type as 'A', class: 'IN' }],
    ...extra,
  });

/** EDNS0, for `additionals`. */
export const opt = (udpPayloadSize: number, ednsVersion = 0) => [
  {
    name: '.',
    type: 'OPT' as const,
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion,
    flags: 0,
    flag_do: false,
    options: [],
  },
];

/** Sends messages by UDP and hands out what comes back. */
export class UdpClient {
  readonly received: Buffer[] = [];
  private readonly socket: Socket = createSocket('udp4');

  constructor(private readonly port: number) {
    this.socket.on('message', (message) => this.received.push(message));
    this.socket.on('error', () => undefined);
  }

  send(message: Buffer): void {
    this.socket.send(message, this.port, '127.0.0.1');
  }

  /** The next response. */
  async ask(message: Buffer): Promise<Buffer> {
    const before = this.received.length;
    const answered = once(this.socket, 'message', { signal: AbortSignal.timeout(LIMIT_MS) });
    this.send(message);
    await answered;
    return this.received[before] ?? Buffer.alloc(0);
  }

  close(): void {
    this.socket.close();
  }
}

export const askUdp = async (port: number, message: Buffer): Promise<DecodedPacket> => {
  const client = new UdpClient(port);
  try {
    return decode(await client.ask(message));
  } finally {
    client.close();
  }
};

/** Sends all on one connection; resolves with as many answers, in the order in which they came. */
export function askTcp(
  port: number,
  messages: readonly Buffer[],
): Promise<readonly DecodedPacket[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    const reader = new MessageReader(MAX_MESSAGE);
    const answers: DecodedPacket[] = [];
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after ${answers.length} answers`)));
    socket.on('data', (chunk) => {
      for (const message of reader.push(chunk)) answers.push(decode(message));
      if (answers.length < messages.length) return;
      resolve(answers);
      socket.destroy();
    });
    socket.write(Buffer.concat(messages.map(lengthPrefixed)));
  });
}

/** Waits until the check holds, as long as a busy machine may take. */
export const eventually = (check: () => unknown): Promise<unknown> =>
  vi.waitFor(check, { timeout: 25_000, interval: 10 });
