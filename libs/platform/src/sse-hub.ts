import type { FastifyReply } from 'fastify';
import { type StreamEnd, takeOver } from './record-io-stream.js';

/** One server-sent event. `data` is one line of JSON; an `id` of 0 or none is not sent. */
export interface SseEvent {
  readonly type: string;
  readonly data: string;
  readonly id?: number;
}

/** One connected reader. */
export interface SseClient {
  /** Sends to this client only, whatever its filter. */
  send(event: SseEvent): void;
  /** Ends the hold of a client added with `hold`: first `replay`, then what came meanwhile with a higher id. */
  release(replay?: readonly SseEvent[]): void;
  end(): void;
}

const DEFAULT_BUFFER_BYTES = 4 * 1024 * 1024;
const DEFAULT_HEARTBEAT_MS = 15_000;
/** Live events kept for a client on hold. */
const MAX_HELD = 10_000;
const HEARTBEAT = ': heartbeat\n\n';

/**
 * Sends events to all readers of a stream. An event is serialised once for everybody; a reader whose buffer grows beyond
 * the bound is disconnected, so that one slow reader costs the others nothing. O(readers) per event.
 */
export class SseHub {
  private readonly clients = new Set<HubClient>();
  private readonly heartbeat: NodeJS.Timeout;

  constructor(
    private readonly options: {
      readonly maxBufferedBytes?: number;
      readonly heartbeatMs?: number;
      /** Told of every client that leaves. */
      readonly onLeave?: (end: StreamEnd) => void;
    } = {},
  ) {
    this.heartbeat = setInterval(
      () => this.broadcast(HEARTBEAT),
      options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS,
    );
    this.heartbeat.unref();
  }

  get size(): number {
    return this.clients.size;
  }

  /**
   * Takes the reply over (take it by `@Res()`, return nothing) and adds a reader. `types` limits what it gets; `hold`
   * keeps live events back until {@link SseClient.release}, for replaying older ones first.
   */
  add(
    reply: FastifyReply,
    options: {
      readonly types?: ReadonlySet<string> | undefined;
      readonly hold?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ): SseClient {
    const raw = takeOver(reply, {
      'content-type': 'text/event-stream; charset=utf-8',
      ...options.headers,
    });
    const client = new HubClient(raw, {
      types: options.types,
      hold: options.hold ?? false,
      maxBufferedBytes: this.options.maxBufferedBytes ?? DEFAULT_BUFFER_BYTES,
    });
    this.clients.add(client);
    raw.once('close', () => {
      this.clients.delete(client);
      this.options.onLeave?.(client.reason);
    });
    return client;
  }

  publish(event: SseEvent): void {
    const frame = toFrame(event);
    for (const client of this.clients) client.deliver(event, frame);
  }

  /** Ends all streams and the heartbeat. */
  close(): void {
    clearInterval(this.heartbeat);
    for (const client of this.clients) client.end();
  }

  private broadcast(frame: string): void {
    for (const client of this.clients) client.write(frame);
  }
}

class HubClient implements SseClient {
  reason: StreamEnd = 'disconnected';
  private held: { readonly event: SseEvent; readonly frame: string }[] | undefined;

  constructor(
    private readonly raw: FastifyReply['raw'],
    private readonly options: {
      readonly types: ReadonlySet<string> | undefined;
      readonly hold: boolean;
      readonly maxBufferedBytes: number;
    },
  ) {
    this.held = options.hold ? [] : undefined;
  }

  deliver(event: SseEvent, frame: string): void {
    if (this.options.types !== undefined && !this.options.types.has(event.type)) return;
    if (this.held === undefined) this.write(frame);
    else if (this.held.length < MAX_HELD) this.held.push({ event, frame });
    else this.cutOff();
  }

  send(event: SseEvent): void {
    this.write(toFrame(event));
  }

  release(replay: readonly SseEvent[] = []): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const event of replay) this.send(event);
    const lastId = replay.reduce((highest, { id }) => Math.max(highest, id ?? 0), 0);
    for (const { event, frame } of held) {
      if (event.id === undefined || event.id > lastId) this.write(frame);
    }
  }

  end(): void {
    this.reason = 'ended';
    this.raw.end();
  }

  write(frame: string): void {
    if (this.raw.destroyed || this.raw.writableEnded) return;
    this.raw.write(frame);
    if (this.raw.writableLength > this.options.maxBufferedBytes) this.cutOff();
  }

  private cutOff(): void {
    this.reason = 'too-slow';
    this.raw.destroy();
  }
}

function toFrame(event: SseEvent): string {
  const id = event.id === undefined || event.id === 0 ? '' : `id: ${event.id}\n`;
  return `${id}event: ${event.type}\ndata: ${event.data}\n\n`;
}
