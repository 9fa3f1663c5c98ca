import type { FastifyReply } from 'fastify';
import { RecordIoStream } from '#platform';
import type { RecordStreams } from './engine/master-ports.js';

/**
 * Streams over HTTP. A reply is pending until the first record opens it or it is refused with a status. The end of a
 * stream is seen on the response (the request ends as soon as its body is read), once, and never for our own close.
 */
export class HttpStreams<Record> implements RecordStreams<Record> {
  private readonly entries = new Map<
    string,
    { readonly reply: FastifyReply; stream?: RecordIoStream }
  >();

  constructor(
    private readonly options: {
      readonly idHeader: string;
      readonly onClosed: (streamId: string) => void;
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
    entry.stream ??= new RecordIoStream(entry.reply, {
      headers: { [this.options.idHeader]: streamId },
    });
    return entry.stream.send(record);
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
