import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MasterChange } from '#cluster';
import { ApiError, frameRecord, RecordIoStream } from '#platform';
import { addressOf } from '../http-streams.js';
import { MasterService } from '../master.service.js';
import type { Body } from '../reads/read-model.js';
import { ReadsService } from '../reads/reads.service.js';
import { operatorState } from './operator-documents.js';
import { toOperatorEvent } from './operator-events.js';

const HEARTBEAT_MS = 15_000;

/**
 * SUBSCRIBE of the v1 operator API: the state as of one moment, then every change since that moment, in order, each
 * written once for all. A client that does not keep up is cut off with a reason: it costs the others nothing.
 */
@Injectable()
export class EventStreams implements OnModuleDestroy {
  /** Oldest first. */
  private readonly streams = new Set<RecordIoStream>();
  private readonly heartbeat = frameRecord('{"type":"HEARTBEAT"}');
  private timer: NodeJS.Timeout | undefined;
  /** Shared by all who subscribe at one moment. */
  private snapshot: { readonly body: Body; readonly record: Buffer } | undefined;

  constructor(
    @Inject(MasterService) private readonly master: MasterService,
    @Inject(ReadsService) private readonly reads: ReadsService,
  ) {}

  get size(): number {
    return this.streams.size;
  }

  /** Takes the reply over once the snapshot is written. */
  subscribe(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const headers = negotiate(request.headers);
    return new Promise((resolve, reject) => {
      this.reads.model.readAtOnce(
        operatorState,
        (body) => {
          if (!reply.raw.destroyed) this.open(reply, headers, body);
          resolve();
        },
        reject,
      );
    });
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    for (const stream of [...this.streams]) stream.end();
  }

  /** Runs in the turn whose moment the snapshot shows: what changes from now on follows it. */
  private open(reply: FastifyReply, { contentType, ...headers }: StreamHeaders, body: Body): void {
    const address = addressOf(reply);
    const { streamBufferBytes } = this.master;
    const stream = new RecordIoStream(reply, {
      contentType,
      headers,
      farewell: (bytes) => ({
        type: 'ERROR',
        error: { message: `cut off: ${bytes} bytes wait for this client; subscribe again` },
      }),
      ...(streamBufferBytes === undefined ? {} : { maxBufferedBytes: streamBufferBytes }),
    });
    stream.onClose((end) => {
      if (end === 'too-slow') {
        this.master.cutOff('subscriber', { address, bufferedBytes: stream.bufferedBytes });
      }
      this.leave(stream);
    });
    this.evictOldest();
    this.streams.add(stream);
    if (this.streams.size === 1) this.begin();
    stream.sendSnapshot(this.snapshotOf(body));
    stream.sendFramed(this.heartbeat);
  }

  private evictOldest(): void {
    const [oldest] = this.streams;
    const { maxSubscribers } = this.master;
    if (oldest === undefined || this.streams.size < maxSubscribers) return;
    const message = `more than ${maxSubscribers} subscribers: the oldest gives way`;
    oldest.send({ type: 'ERROR', error: { message } });
    oldest.end();
  }

  private begin(): void {
    this.master.engine.watch((changes) => this.publish(changes));
    this.timer = setInterval(() => this.broadcast(this.heartbeat), HEARTBEAT_MS);
    this.timer.unref();
  }

  private leave(stream: RecordIoStream): void {
    if (!this.streams.delete(stream) || this.streams.size > 0) return;
    clearInterval(this.timer);
    this.snapshot = undefined;
    if (this.master.isLeading) this.master.engine.watch(undefined);
  }

  private publish(changes: readonly MasterChange[]): void {
    const context = this.reads.model.context();
    context.holdings.drain();
    for (const change of changes) {
      this.broadcast(frameRecord(JSON.stringify(toOperatorEvent(context, change))));
    }
  }

  private broadcast(record: Buffer): void {
    for (const stream of [...this.streams]) stream.sendFramed(record);
  }

  private snapshotOf(body: Body): Buffer {
    if (this.snapshot?.body !== body) {
      const begin = Buffer.from('{"type":"SUBSCRIBED","subscribed":{"get_state":');
      const end = Buffer.from(`,"heartbeat_interval_seconds":${HEARTBEAT_MS / 1000}}}`);
      this.snapshot = { body, record: frameRecord([begin, ...body.chunks, end]) };
    }
    return this.snapshot.record;
  }
}

interface StreamHeaders extends Readonly<Record<string, string>> {
  readonly contentType: string;
}

/** JSON records, as `application/json` or, for who asks so, as `application/recordio`; 406 for what cannot be JSON. */
function negotiate(headers: FastifyRequest['headers']): StreamHeaders {
  const accepted = typesOf(headers.accept);
  if (accepted.some((type) => ANY_OR_JSON.has(type))) return { contentType: 'application/json' };
  if (!accepted.includes('application/recordio')) {
    throw new ApiError(
      406,
      `Expecting 'Accept' to allow application/json or application/recordio, received ${headers.accept?.slice(0, 100)}`,
    );
  }
  const message = headers['message-accept'];
  if (
    !typesOf(Array.isArray(message) ? message.join(',') : message).some((type) =>
      ANY_OR_JSON.has(type),
    )
  ) {
    throw new ApiError(
      406,
      `Expecting 'Message-Accept' to allow application/json, received ${String(message).slice(0, 100)}`,
    );
  }
  return { contentType: 'application/recordio', 'message-content-type': 'application/json' };
}

const ANY_OR_JSON: ReadonlySet<string> = new Set(['*/*', 'application/*', 'application/json']);

const typesOf = (header: string | undefined): readonly string[] =>
  header === undefined || header === ''
    ? ['*/*']
    : header.split(',').map((part) => (part.split(';', 1)[0] ?? '').trim().toLowerCase());
