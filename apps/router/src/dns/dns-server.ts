import type { Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#platform';
import type { DnsResponder, DnsResponse } from './dns-responder.js';
import type { Forwarder } from './forwarder.js';
import type { MessageHandler, MessageOrigin, Transport } from './message-handler.js';
import { RCODE } from './read-query.js';
import { TcpListener } from './tcp-listener.js';
import { listenUdp } from './udp-listener.js';

export interface DnsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly maxConnections: number;
  readonly responder: DnsResponder;
  readonly forwarder: Forwarder;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly onAnswer?: (transport: Transport, code: number) => void;
  readonly retryMs?: number;
}

const RETRY_MS = 5_000;
/** A free port for UDP may be taken for TCP. */
const MAX_FREE_TRIES = 10;

/**
 * Listens by UDP and TCP on one port. A port that cannot be had is tried again every 5 s, and so are sockets that break:
 * whatever happens here, HAProxy is looked after.
 */
export class DnsServer {
  /** Why nothing is answered; undefined: all is well. */
  problem: string | undefined = 'not started';
  /** The port, once there is one. */
  port: number | undefined;
  private udp: Socket | undefined;
  private tcp: TcpListener | undefined;
  private retry: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(private readonly options: DnsServerOptions) {}

  get connections(): number {
    return this.tcp?.size ?? 0;
  }

  /** Tries once, and again later when that fails. Never rejects. */
  async start(): Promise<void> {
    const { host, logger } = this.options;
    try {
      await this.open();
      if (this.isStopped) return this.close();
      this.problem = undefined;
      logger.info({ host, port: this.port }, 'DNS listens');
    } catch (error) {
      this.fail(error);
    }
  }

  stop(): void {
    this.isStopped = true;
    this.problem = 'stopped';
    clearTimeout(this.retry);
    this.close();
  }

  private async open(): Promise<void> {
    const { port } = this.options;
    for (let left = port === 0 ? MAX_FREE_TRIES : 1; left > 0; left -= 1) {
      try {
        await this.openBoth(port);
        return;
      } catch (error) {
        this.close();
        if (left === 1) throw error;
      }
    }
  }

  private async openBoth(port: number): Promise<void> {
    const { host, maxConnections } = this.options;
    const onError = (error: Error): void => this.fail(error);
    const handle: MessageHandler = (message, origin, reply) => this.handle(message, origin, reply);
    this.udp = await listenUdp({ host, port, handle, onError });
    const { port: bound } = this.udp.address() as AddressInfo;
    this.tcp = new TcpListener({ handle, maxConnections, onError });
    await this.tcp.listen(host, bound);
    this.port = bound;
  }

  private close(): void {
    this.udp?.close();
    this.tcp?.close();
    this.udp = undefined;
    this.tcp = undefined;
    this.port = undefined;
  }

  private fail(error: unknown): void {
    const { host, port, logger, retryMs = RETRY_MS } = this.options;
    const message = error instanceof Error ? error.message : String(error);
    this.close();
    if (this.isStopped) return;
    const isNews = this.problem !== message;
    this.problem = message;
    if (isNews) logger.warn({ err: error, host, port }, 'DNS cannot listen; it is tried again');
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.start(), retryMs);
  }

  private handle(
    message: Buffer,
    origin: MessageOrigin,
    reply: (bytes: Buffer | undefined) => void,
  ): void {
    const { responder, forwarder, logger, onAnswer } = this.options;
    const { transport } = origin;
    let response: DnsResponse = { kind: 'none' };
    try {
      response = responder.respond(message, origin.address, transport);
    } catch (error) {
      // A defect of ours costs one answer; the client asks again.
      logger.error({ err: error, client: origin.address }, 'cannot answer a DNS message');
    }
    if (response.kind !== 'forward') {
      if (response.kind === 'reply') onAnswer?.(transport, response.code);
      reply(response.kind === 'reply' ? response.bytes : undefined);
      return;
    }
    const { head } = response;
    void forwarder.forward(Buffer.from(message), transport).then((answer) => {
      onAnswer?.(transport, answer === undefined ? RCODE.SERVFAIL : (answer[3] ?? 0) & 15);
      reply(responder.fitForwarded(head, answer, transport));
    });
  }
}
