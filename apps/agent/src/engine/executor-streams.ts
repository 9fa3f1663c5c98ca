import type { Clock, RunKey } from '#core';
import type { ExecutorEvent } from '#mesos-v1';

/** The agent's side of one executor's stream. */
export interface ExecutorStream {
  /** False when it is closed, or was cut off as the executor does not keep up. */
  send(event: ExecutorEvent): boolean;
  end(): void;
}

interface Entry {
  readonly connection: number;
  readonly stream: ExecutorStream;
  isOpen: boolean;
  /** What came before SUBSCRIBED was written; it follows it. */
  readonly held: ExecutorEvent[];
  /** Launches it was given, the newest last. */
  readonly launches: Set<string>;
  stopHeartbeats?: () => void;
}

/** Mesos' default. */
const HEARTBEAT_MS = 30 * 60_000;
/** An executor for which more waits before its first record is cut off; it subscribes again and is told anew. */
const MAX_HELD = 100_000;
/** Launches remembered of one stream; only those that are under way when it is opened can come twice. */
const MAX_LAUNCHES = 10_000;

/** The streams of executors, at most one for each: a new one takes the place of the one before. */
export class ExecutorStreams {
  private readonly entries = new Map<RunKey, Entry>();

  constructor(private readonly clock: Clock) {}

  /** Nothing is written before {@link open}. */
  attach(run: RunKey, connection: number, stream: ExecutorStream): void {
    this.close(run);
    this.entries.set(run, { connection, stream, isOpen: false, held: [], launches: new Set() });
  }

  open(run: RunKey, connection: number, subscribed: ExecutorEvent): void {
    const entry = this.entries.get(run);
    if (entry?.connection !== connection) return;
    entry.isOpen = true;
    entry.stream.send(subscribed);
    for (const event of entry.held.splice(0)) entry.stream.send(event);
    this.beat(run, entry);
  }

  /**
   * Dropped when there is no stream: an executor is told what it missed when it subscribes. A launch that was to go over the
   * stream before may still be under way then, so it is given to a stream once.
   */
  send(run: RunKey, event: ExecutorEvent, launch?: string): void {
    const entry = this.entries.get(run);
    if (entry === undefined) return;
    if (launch !== undefined) {
      if (entry.launches.has(launch)) return;
      entry.launches.add(launch);
      for (const oldest of entry.launches) {
        if (entry.launches.size <= MAX_LAUNCHES) break;
        entry.launches.delete(oldest);
      }
    }
    if (entry.isOpen) entry.stream.send(event);
    else if (entry.held.length < MAX_HELD) entry.held.push(event);
    else this.close(run);
  }

  /** Its other side has gone. */
  forget(run: RunKey, connection: number): void {
    const entry = this.entries.get(run);
    if (entry?.connection !== connection) return;
    entry.stopHeartbeats?.();
    this.entries.delete(run);
  }

  close(run: RunKey): void {
    const entry = this.entries.get(run);
    if (entry === undefined) return;
    entry.stopHeartbeats?.();
    this.entries.delete(run);
    entry.stream.end();
  }

  closeAll(): void {
    for (const run of [...this.entries.keys()]) this.close(run);
  }

  private beat(run: RunKey, entry: Entry): void {
    entry.stopHeartbeats = this.clock.schedule(HEARTBEAT_MS, () => {
      if (this.entries.get(run) !== entry) return;
      entry.stream.send({ type: 'HEARTBEAT' });
      this.beat(run, entry);
    });
  }
}
