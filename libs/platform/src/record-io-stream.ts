import type { FastifyReply } from 'fastify';

/** Why a stream ended: the other side left, we ended it, or it did not keep up and was cut off. */
export type StreamEnd = 'disconnected' | 'ended' | 'too-slow';

/** Bytes that may wait for one slow client before it is cut off. */
const DEFAULT_BUFFER_BYTES = 16 * 1024 * 1024;
/** How long a client that was cut off may still read what waits for it, the reason at its end. */
const FAREWELL_MS = 5_000;
/** A snapshot that is not read whole within this time ends the stream as well. */
const SNAPSHOT_MS = 60_000;
/** Characters queued for one write; more are written at once. */
const MAX_QUEUED = 64 * 1024;

/** One record as it goes over the wire, to be sent to many. */
export function frameRecord(record: string | readonly Buffer[]): Buffer {
  const parts = typeof record === 'string' ? [Buffer.from(record)] : record;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from(`${length}\n`), ...parts]);
}

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
  /** Bytes that wait and do not count: a snapshot's. */
  private exempt = 0;
  /** Framed records for the next {@link flush}. */
  private queued: string[] = [];
  private queuedLength = 0;

  constructor(
    reply: FastifyReply,
    private readonly options: {
      readonly headers?: Readonly<Record<string, string>>;
      /** `application/json` unless set. */
      readonly contentType?: string;
      readonly maxBufferedBytes?: number;
      /** The last record for a client that is cut off; it gets it if it reads on for a few seconds. */
      readonly farewell?: (bufferedBytes: number) => unknown;
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

  /** Bytes that wait for the client. */
  get bufferedBytes(): number {
    return this.raw.writableLength;
  }

  /** Writes one record, a JSON text on one line or a value. False when the stream is closed or was cut off by this. */
  send(record: unknown): boolean {
    return this.queue(record) && this.flush();
  }

  /** Takes one record in for the next {@link flush}: one system call for many. False when the stream is closed. */
  queue(record: unknown): boolean {
    if (!this.isOpen) return false;
    const json = typeof record === 'string' ? record : JSON.stringify(record);
    this.queued.push(`${Buffer.byteLength(json)}\n${json}`);
    this.queuedLength += json.length;
    return this.queuedLength < MAX_QUEUED || this.flush();
  }

  /** Writes what is queued. False when the stream is closed or was cut off by this. */
  flush(): boolean {
    if (!this.isOpen) return false;
    this.writeQueued();
    return this.keepsUp();
  }

  /** Writes a record framed by {@link frameRecord}. */
  sendFramed(record: Buffer): boolean {
    if (!this.isOpen) return false;
    this.writeQueued();
    this.raw.write(record);
    return this.keepsUp();
  }

  /**
   * Writes a framed record of any size. While it waits it does not count against the bound, but it has to be read within
   * a minute.
   */
  sendSnapshot(record: Buffer): void {
    if (!this.isOpen) return;
    this.writeQueued();
    this.exempt += record.length;
    const timer = setTimeout(() => this.cutOff(), SNAPSHOT_MS);
    timer.unref();
    this.raw.write(record, () => {
      clearTimeout(timer);
      this.exempt -= record.length;
    });
  }

  /** Ends the stream after what was written. Safe to call twice. */
  end(): void {
    if (!this.isOpen) return;
    this.writeQueued();
    this.finish('ended');
    this.raw.end();
  }

  /** Called once, at once when it is closed already. */
  onClose(listener: (end: StreamEnd) => void): void {
    if (this.ended !== undefined) listener(this.ended);
    else this.listeners.push(listener);
  }

  /**
   * All chunks in one write of the socket. Through the response each would be four: its length, two line ends and itself,
   * gathered again for the kernel. The response writes where the connection is not its own yet, or has no chunks
   * (HTTP/1.0).
   */
  private writeQueued(): void {
    const { raw, queued } = this;
    if (queued.length === 0) return;
    this.queued = [];
    this.queuedLength = 0;
    const { socket } = raw;
    if (socket === null || !raw.chunkedEncoding) {
      for (const record of queued) raw.write(record);
      return;
    }
    let chunks = '';
    let isAscii = true;
    for (const record of queued) {
      const length = Buffer.byteLength(record);
      isAscii &&= length === record.length;
      chunks += `${length.toString(16)}\r\n${record}\r\n`;
    }
    socket.write(chunks, isAscii ? 'latin1' : 'utf8');
  }

  private keepsUp(): boolean {
    if (this.raw.writableLength - this.exempt <= this.maxBufferedBytes) return true;
    this.cutOff();
    return false;
  }

  private get maxBufferedBytes(): number {
    return this.options.maxBufferedBytes ?? DEFAULT_BUFFER_BYTES;
  }

  /** Nothing more is taken in for it. With a farewell it may read on for a moment, else its memory is freed at once. */
  private cutOff(): void {
    if (!this.isOpen) return;
    const { raw } = this;
    const { farewell } = this.options;
    const buffered = raw.writableLength;
    this.finish('too-slow');
    if (farewell === undefined) {
      raw.destroy();
      return;
    }
    raw.end(frameRecord(JSON.stringify(farewell(buffered))));
    const timer = setTimeout(() => raw.destroy(), FAREWELL_MS);
    timer.unref();
    raw.once('close', () => clearTimeout(timer));
  }

  private finish(end: StreamEnd): void {
    if (this.ended !== undefined) return;
    this.ended = end;
    for (const listener of this.listeners) listener(end);
  }
}

/** Takes the reply over from Fastify and sends its head, at the end of this turn of the event loop. */
export function takeOver(
  reply: FastifyReply,
  headers: Readonly<Record<string, string>>,
): FastifyReply['raw'] {
  reply.hijack();
  const { raw } = reply;
  const { socket } = raw;
  raw.on('error', () => raw.destroy());
  socket?.setNoDelay(true);
  // What is written before others have their turn leaves with the head.
  socket?.cork();
  setImmediate(() => socket?.uncork());
  raw.writeHead(200, { 'cache-control': 'no-store', ...headers });
  raw.flushHeaders();
  return raw;
}
