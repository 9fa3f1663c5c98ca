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
  /** Sends to this client only, whatever its filter and hold. */
  send(event: SseEvent): void;
  /** Resolves once it has taken what was sent; false: it has left, or took nothing for a minute and was cut off. */
  drained(): Promise<boolean>;
  /** Ends the hold of a client added with `hold`: first `replay`, then what came meanwhile with a higher id than was sent. */
  release(replay?: readonly SseEvent[]): void;
  end(): void;
}

const DEFAULT_BUFFER_BYTES = 4 * 1024 * 1024;
const DEFAULT_HEARTBEAT_MS = 15_000;
/** Live events kept for a client on hold; their bytes have the bound of its buffer. */
const MAX_HELD = 10_000;
/** How long older events wait for a reader that takes nothing. */
const DRAIN_MS = 60_000;
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
  private heldLength = 0;
  /** The highest id sent to this client alone. */
  private sentId = 0;

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
    // Stored already when older ones were sent, and told to all only now.
    if (event.id !== undefined && event.id !== 0 && event.id <= this.sentId) return;
    if (this.held === undefined) this.write(frame);
    else {
      this.held.push({ event, frame });
      this.heldLength += frame.length;
      const isTooMuch = this.heldLength > this.options.maxBufferedBytes;
      if (isTooMuch || this.held.length > MAX_HELD) this.cutOff();
    }
  }

  send(event: SseEvent): void {
    this.sentId = Math.max(this.sentId, event.id ?? 0);
    this.write(toFrame(event));
  }

  async drained(): Promise<boolean> {
    const { raw } = this;
    if (this.isOver) return false;
    if (!raw.writableNeedDrain) return true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.cutOff(), DRAIN_MS);
      const finish = (): void => {
        clearTimeout(timer);
        raw.off('drain', finish);
        raw.off('close', finish);
        resolve();
      };
      raw.once('drain', finish);
      raw.once('close', finish);
    });
    return !this.isOver;
  }

  release(replay: readonly SseEvent[] = []): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const event of replay) this.send(event);
    for (const { event, frame } of held) {
      if (event.id === undefined || event.id > this.sentId) this.write(frame);
    }
  }

  end(): void {
    this.reason = 'ended';
    this.raw.end();
  }

  write(frame: string): void {
    if (this.isOver) return;
    this.raw.write(frame);
    if (this.raw.writableLength > this.options.maxBufferedBytes) this.cutOff();
  }

  private get isOver(): boolean {
    return this.raw.destroyed || this.raw.writableEnded;
  }

  private cutOff(): void {
    this.reason = 'too-slow';
    this.held = undefined;
    this.raw.destroy();
  }
}

function toFrame(event: SseEvent): string {
  const id = event.id === undefined || event.id === 0 ? '' : `id: ${event.id}\n`;
  return `${id}event: ${event.type}\ndata: ${event.data}\n\n`;
}
