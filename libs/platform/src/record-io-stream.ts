import type { FastifyReply } from 'fastify';

/** Why a stream ended: the other side left, we ended it, or it did not keep up and was cut off. */
export type StreamEnd = 'disconnected' | 'ended' | 'too-slow';

/** Bytes that may wait for one slow client before it is cut off. */
const DEFAULT_BUFFER_BYTES = 16 * 1024 * 1024;

/**
 * The server's side of a RecordIO stream (Mesos v1). Opening takes the reply over from Nest, so the handler must take it
 * by `@Res()` and return nothing. Headers go out at once, with chunked encoding and no length; each record is one write
 * and so one HTTP chunk, which real clients rely on. The end is seen on the response, as the request closes as soon as
 * its body is read.
 */
export class RecordIoStream {
  private readonly raw: FastifyReply['raw'];
  private readonly listeners: ((end: StreamEnd) => void)[] = [];
  private ended: StreamEnd | undefined;

  constructor(
    reply: FastifyReply,
    private readonly options: {
      readonly headers?: Readonly<Record<string, string>>;
      /** `application/json` unless set. */
      readonly contentType?: string;
      readonly maxBufferedBytes?: number;
    } = {},
  ) {
    this.raw = takeOver(reply, {
      'content-type': options.contentType ?? 'application/json',
      ...options.headers,
    });
    this.raw.once('close', () => this.finish('disconnected'));
  }

  get isOpen(): boolean {
    return this.ended === undefined;
  }

  /** Writes one record, a JSON text on one line or a value. False when the stream is closed or was cut off by this. */
  send(record: unknown): boolean {
    if (!this.isOpen) return false;
    const json = typeof record === 'string' ? record : JSON.stringify(record);
    this.raw.write(`${Buffer.byteLength(json)}\n${json}`);
    if (this.raw.writableLength <= (this.options.maxBufferedBytes ?? DEFAULT_BUFFER_BYTES)) {
      return true;
    }
    this.finish('too-slow');
    this.raw.destroy();
    return false;
  }

  /** Ends the stream after what was written. Safe to call twice. */
  end(): void {
    if (!this.isOpen) return;
    this.finish('ended');
    this.raw.end();
  }

  /** Called once, at once when it is closed already. */
  onClose(listener: (end: StreamEnd) => void): void {
    if (this.ended !== undefined) listener(this.ended);
    else this.listeners.push(listener);
  }

  private finish(end: StreamEnd): void {
    if (this.ended !== undefined) return;
    this.ended = end;
    for (const listener of this.listeners) listener(end);
  }
}

/** Takes the reply over from Fastify and sends its head at once. */
export function takeOver(
  reply: FastifyReply,
  headers: Readonly<Record<string, string>>,
): FastifyReply['raw'] {
  reply.hijack();
  const { raw } = reply;
  raw.on('error', () => raw.destroy());
  raw.socket?.setNoDelay(true);
  raw.writeHead(200, { 'cache-control': 'no-store', ...headers });
  raw.flushHeaders();
  return raw;
}
