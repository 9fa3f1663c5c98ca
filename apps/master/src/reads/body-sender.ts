import type { FastifyReply } from 'fastify';

/** Bytes that wait in one client's connection before it has to take some. */
const WINDOW_BYTES = 64 * 1024;
/** How long sending goes on before everything else has its turn. */
const QUANTUM_MS = 1;
/** After a turn this many times its length passes before the next while the master has other work: readers take a quarter. */
const REST_FACTOR = 3;
/** A client that does not take what waits in its connection within this time is cut off. */
const STALL_MS = 30_000;
const STALL_CHECK_MS = 5_000;
/** Bodies that are being sent at once; further requests are told to come later. */
export const MAX_TRANSFERS = 2_000;

interface Transfer {
  readonly raw: FastifyReply['raw'];
  readonly chunks: readonly Buffer[];
  readonly onEnd: (end: TransferEnd) => void;
  next: number;
  lastProgressMs: number;
}

/** How a transfer ended: all was given to the connection, the client left, or it took nothing for too long. */
export type TransferEnd = 'sent' | 'left' | 'stalled';

/**
 * Sends long bodies to many clients without holding up the event loop: piece by piece, the clients in turn, each only as
 * fast as it reads, and never for longer than a quantum before others run; while there is other work, that work has most of the time. Buffers
 * are shared, not copied.
 */
export class BodySender {
  private readonly transfers = new Set<Transfer>();
  private ready: Transfer[] = [];
  private isPumping = false;
  private stallCheck: NodeJS.Timeout | undefined;
  private workSeen = 0;

  constructor(
    private readonly options: {
      /** A number that grows with other work than sending. */
      readonly work?: () => number;
      /** Milliseconds that never go back. */
      readonly clock?: () => number;
    } = {},
  ) {}

  get size(): number {
    return this.transfers.size;
  }

  /** The head must have been written; the response is ended with the last chunk. */
  send(
    raw: FastifyReply['raw'],
    chunks: readonly Buffer[],
    onEnd: (end: TransferEnd) => void = () => undefined,
  ): void {
    const transfer: Transfer = { raw, chunks, onEnd, next: 0, lastProgressMs: this.nowMs() };
    this.transfers.add(transfer);
    raw.once('close', () => this.finish(transfer, 'left'));
    this.enqueue(transfer);
    this.stallCheck ??= setInterval(() => this.cutStalled(), STALL_CHECK_MS).unref();
  }

  close(): void {
    clearInterval(this.stallCheck);
    this.stallCheck = undefined;
    for (const transfer of [...this.transfers]) {
      this.finish(transfer, 'left');
      transfer.raw.destroy();
    }
  }

  private enqueue(transfer: Transfer): void {
    this.ready.push(transfer);
    if (this.isPumping) return;
    this.isPumping = true;
    setImmediate(() => this.pump());
  }

  private pump(): void {
    const beganMs = this.nowMs();
    let nowMs = beganMs;
    const ready = this.ready;
    let taken = 0;
    do {
      const transfer = ready[taken];
      if (transfer === undefined) break;
      taken += 1;
      this.advance(transfer, nowMs);
      nowMs = this.nowMs();
    } while (nowMs < beganMs + QUANTUM_MS);
    // What was enqueued meanwhile stands behind those who waited.
    this.ready = ready.slice(taken);
    this.rest(nowMs - beganMs);
  }

  private rest(turnMs: number): void {
    const work = this.options.work?.() ?? 0;
    const isAlone = work === this.workSeen;
    this.workSeen = work;
    if (isAlone) setImmediate(() => this.resume());
    else this.resumeAt(this.nowMs() + turnMs * REST_FACTOR);
  }

  /** A timer counts from the beginning of its turn, and may be too early by as much as that took. */
  private resumeAt(dueMs: number): void {
    const leftMs = dueMs - this.nowMs();
    if (leftMs > 0) setTimeout(() => this.resumeAt(dueMs), leftMs);
    else this.resume();
  }

  private resume(): void {
    if (this.ready.length > 0) this.pump();
    else this.isPumping = false;
  }

  private nowMs(): number {
    return this.options.clock?.() ?? performance.now();
  }

  private advance(transfer: Transfer, nowMs: number): void {
    const { raw, chunks } = transfer;
    if (!this.transfers.has(transfer)) return;
    transfer.lastProgressMs = nowMs;
    for (let bytes = 0; bytes < WINDOW_BYTES; ) {
      const chunk = chunks[transfer.next];
      if (chunk === undefined) break;
      transfer.next += 1;
      bytes += chunk.length;
      raw.write(chunk);
    }
    const isLast = transfer.next >= chunks.length;
    if (isLast) {
      raw.once('finish', () => this.finish(transfer, 'sent'));
      raw.end();
    }
    // Node holds writes back until the end of the turn, when they would count for nobody's quantum.
    raw.socket?.uncork();
    if (isLast) return;
    if (raw.writableNeedDrain) raw.once('drain', () => this.enqueue(transfer));
    else this.ready.push(transfer);
  }

  private cutStalled(): void {
    const sinceMs = this.nowMs() - STALL_MS;
    for (const transfer of [...this.transfers]) {
      if (transfer.lastProgressMs >= sinceMs) continue;
      this.finish(transfer, 'stalled');
      transfer.raw.destroy();
    }
    if (this.transfers.size > 0) return;
    clearInterval(this.stallCheck);
    this.stallCheck = undefined;
  }

  private finish(transfer: Transfer, end: TransferEnd): void {
    if (this.transfers.delete(transfer)) transfer.onEnd(end);
  }
}
