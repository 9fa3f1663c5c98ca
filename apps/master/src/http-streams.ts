import type { FastifyReply } from 'fastify';
import { RecordIoStream } from '#platform';
import type { RecordStreams } from './engine/master-ports.js';

/** Streams with records to be written; so many are written at once. */
const MAX_WAITING = 64;

/** A client for which more waited than may. */
export interface SlowClient {
  readonly address: string;
  readonly bufferedBytes: number;
}

/**
 * Streams over HTTP. A reply is pending until the first record opens it or it is refused with a status. The end of a
 * stream is seen on the response (the request ends as soon as its body is read), once, and never for our own close.
 * Records of one stream are written together, by `flush` at the latest.
 */
export class HttpStreams<Record> implements RecordStreams<Record> {
  private readonly entries = new Map<
    string,
    { readonly reply: FastifyReply; stream?: RecordIoStream }
  >();
  /** With records not written yet. */
  private readonly waiting = new Set<RecordIoStream>();

  constructor(
    private readonly options: {
      readonly idHeader: string;
      readonly onClosed: (streamId: string) => void;
      /** Told of a client that did not keep up and was cut off. */
      readonly onCutOff?: (slow: SlowClient) => void;
      /** Bytes that may wait for one client. */
      readonly maxBufferedBytes?: number;
    },
  ) {}

  /** Open and pending streams. */
  get size(): number {
    return this.entries.size;
  }

  /** Takes a reply in; nothing is written yet. */
  admit(streamId: string, reply: FastifyReply): void {
    this.entries.set(streamId, { reply });
    reply.raw.once('close', () => {
      if (this.entries.delete(streamId)) this.options.onClosed(streamId);
    });
  }

  send(streamId: string, record: Record): boolean {
    const entry = this.entries.get(streamId);
    if (entry === undefined) return false;
    entry.stream ??= this.open(streamId, entry.reply);
    if (!entry.stream.queue(record)) return false;
    this.waiting.add(entry.stream);
    if (this.waiting.size >= MAX_WAITING) this.flush();
    return true;
  }

  flush(): void {
    for (const stream of this.waiting) stream.flush();
    this.waiting.clear();
  }

  close(streamId: string): void {
    const entry = this.entries.get(streamId);
    if (entry === undefined) return;
    this.entries.delete(streamId);
    if (entry.stream === undefined) void entry.reply.code(503).send();
    else entry.stream.end();
  }

  refuse(streamId: string, refusal: { readonly status: number; readonly message: string }): void {
    const entry = this.entries.get(streamId);
    if (entry === undefined || entry.stream !== undefined) return;
    this.entries.delete(streamId);
    void entry.reply.code(refusal.status).send({ message: refusal.message });
  }

  private open(streamId: string, reply: FastifyReply): RecordIoStream {
    const { idHeader, maxBufferedBytes, onCutOff } = this.options;
    const stream = new RecordIoStream(reply, {
      headers: { [idHeader]: streamId },
      ...(maxBufferedBytes === undefined ? {} : { maxBufferedBytes }),
    });
    stream.onClose((end) => {
      if (end === 'too-slow')
        onCutOff?.({ address: addressOf(reply), bufferedBytes: stream.bufferedBytes });
    });
    return stream;
  }

  /** Ends all streams as if their clients had. */
  dropAll(): void {
    for (const streamId of [...this.entries.keys()]) {
      this.close(streamId);
      this.options.onClosed(streamId);
    }
  }

  closeAll(): void {
    for (const streamId of [...this.entries.keys()]) this.close(streamId);
  }
}

/** Of the client, with its port. */
export function addressOf({ raw }: FastifyReply): string {
  const { remoteAddress = 'unknown', remotePort = 0 } = raw.socket ?? {};
  return `${remoteAddress}:${remotePort}`;
}
