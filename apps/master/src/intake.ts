import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** What a request costs at least, and one whose length is not told, in bytes of body. */
const BASE_COST = 8 * 1024;
const UNKNOWN_COST = 64 * 1024;
/** Bodies read in one turn of the event loop: some milliseconds' work. One is read in any case. */
const TURN_COST = 64 * 1024;
/** Bodies up to this, on a connection that was used before, are read at once: pongs, acknowledgements, updates. */
const SMALL_BODY = 8 * 1024;
/** Requests that may wait; more are refused. Their bodies wait in the kernel and in the first buffer of each. */
export const MAX_WAITING_REQUESTS = 20_000;

/**
 * Lets heavy requests in a few at a time. After a fail-over all agents subscribe at once, and reading and decoding what
 * they bring takes seconds: without turns neither a timer nor the renewal of the lease would run meanwhile. Whatever is
 * small, or on a connection that was used before, passes by.
 */
export class Intake {
  private readonly known = new WeakSet<Socket>();
  private waiting: Waiting[] = [];
  private next = 0;
  private budget = TURN_COST;
  private isTurnOpen = false;

  /** Requests that wait. */
  get size(): number {
    return this.waiting.length - this.next;
  }

  /** Undefined: it may be read now. False: too many wait. */
  admit({
    socket,
    headers,
  }: Pick<IncomingMessage, 'socket' | 'headers'>): false | Promise<void> | undefined {
    const cost = costOf(headers['content-length']);
    const isFirst = !this.known.has(socket);
    if (isFirst) this.known.add(socket);
    if (!isFirst && cost <= SMALL_BODY) return undefined;
    this.openTurn();
    if (this.size === 0 && this.budget > 0) {
      this.budget -= cost;
      return undefined;
    }
    if (this.size >= MAX_WAITING_REQUESTS) return false;
    return new Promise((resolve) => {
      this.waiting.push({ cost, resolve });
    });
  }

  private openTurn(): void {
    if (this.isTurnOpen) return;
    this.isTurnOpen = true;
    this.budget = TURN_COST;
    setImmediate(() => {
      this.isTurnOpen = false;
      if (this.size > 0) this.release();
    });
  }

  private release(): void {
    this.openTurn();
    while (this.budget > 0) {
      const request = this.waiting[this.next];
      if (request === undefined) break;
      this.next += 1;
      this.budget -= request.cost;
      request.resolve();
    }
    if (this.size === 0 || this.next >= MAX_RELEASED) {
      this.waiting = this.waiting.slice(this.next);
      this.next = 0;
    }
  }
}

interface Waiting {
  readonly cost: number;
  readonly resolve: () => void;
}

/** Requests let in are forgotten so many at a time. */
const MAX_RELEASED = 1_000;

function costOf(contentLength: string | undefined): number {
  const length = Number(contentLength ?? Number.NaN);
  return Number.isFinite(length) ? Math.max(BASE_COST, length) : UNKNOWN_COST;
}
