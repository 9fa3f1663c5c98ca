import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Resolver } from './dns-config.js';
import type { Transport } from './message-handler.js';
import { lengthPrefixed, MessageReader } from './tcp-messages.js';

/** How long a resolver may take, ms, and how many are tried. */
const TRY_MS = 2_000;
const TRIES = 2;
const MAX_IN_FLIGHT = 256;
const MAX_MESSAGE = 65_535;

/**
 * Passes questions on to other resolvers and their answers back. Each question goes out with an id of chance, from a port of
 * its own, and only an answer with both and the same question is believed.
 */
export class Forwarder {
  /** Since the start. */
  forwarded = 0;
  failed = 0;
  private inFlight = 0;

  constructor(
    private readonly resolvers: readonly Resolver[],
    private readonly tryMs = TRY_MS,
  ) {}

  get isOn(): boolean {
    return this.resolvers.length > 0;
  }

  /** The answer for the client; undefined: nobody gave one in time, or too many wait already. Never rejects. */
  async forward(message: Buffer, transport: Transport): Promise<Buffer | undefined> {
    if (this.inFlight >= MAX_IN_FLIGHT) {
      this.failed += 1;
      return undefined;
    }
    this.inFlight += 1;
    try {
      for (let turn = 0; turn < TRIES; turn += 1) {
        const resolver = this.resolvers[turn % this.resolvers.length];
        if (resolver === undefined) break;
        const answer = await this.ask(resolver, message, transport).catch(() => undefined);
        if (answer === undefined) continue;
        this.forwarded += 1;
        return answer;
      }
      this.failed += 1;
      return undefined;
    } finally {
      this.inFlight -= 1;
    }
  }

  private async ask(
    resolver: Resolver,
    message: Buffer,
    transport: Transport,
  ): Promise<Buffer | undefined> {
    const query = Buffer.from(message);
    query.writeUInt16BE(randomInt(65_536), 0);
    const send = transport === 'udp' ? askByUdp : askByTcp;
    const answer = await send(resolver, query, this.tryMs);
    if (answer === undefined) return undefined;
    const own = Buffer.from(answer);
    message.copy(own, 0, 0, 2);
    return own;
  }
}

/** Whether it is the response to this query: a response, with its id and its question (whose case may differ). */
export function isAnswerTo(query: Buffer, answer: Buffer): boolean {
  if (answer.length < 12 || answer.length > MAX_MESSAGE) return false;
  if (answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((answer.readUInt16BE(2) & 0x8000) === 0 || answer.readUInt16BE(4) !== 1) return false;
  const end = questionEnd(query);
  const same = (bytes: Buffer): string => bytes.toString('latin1', 12, end).toLowerCase();
  return end <= answer.length && same(query) === same(answer);
}

function questionEnd(query: Buffer): number {
  let at = 12;
  while ((query[at] ?? 0) > 0) at += (query[at] ?? 0) + 1;
  return at + 5;
}

type Ask = (resolver: Resolver, query: Buffer, limitMs: number) => Promise<Buffer | undefined>;

const askByUdp: Ask = ({ address, port }, query, limitMs) =>
  new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), limitMs);
    socket.on('error', () => finish(undefined));
    socket.on('message', (answer) => {
      if (isAnswerTo(query, answer)) finish(answer);
    });
    // Connected: the kernel lets nobody else's messages in.
    // With a callback a failure would be its argument, and no 'error'.
    socket.once('connect', () => socket.send(query));
    socket.connect(port, address);
  });

const askByTcp: Ask = ({ address, port }, query, limitMs) =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), limitMs);
    const reader = new MessageReader(MAX_MESSAGE);
    socket.on('error', () => finish(undefined));
    socket.on('end', () => finish(undefined));
    socket.on('data', (chunk) => {
      for (const answer of reader.push(chunk)) if (isAnswerTo(query, answer)) finish(answer);
    });
    socket.write(lengthPrefixed(query));
  });
