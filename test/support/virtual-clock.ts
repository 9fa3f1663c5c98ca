import type { Clock, Now } from '#core';

/** Time that stands still until it is advanced. Timers run in order of their due time, then of their making. */
export class VirtualClock implements Clock {
  private monoMs = 0;
  private made = 0;
  private readonly timers = new Map<
    number,
    { readonly dueMs: number; readonly task: () => void }
  >();

  constructor(private epochZeroMs = 1_700_000_000_000) {}

  now(): Now {
    return { epochMs: this.epochZeroMs + this.monoMs, monoMs: this.monoMs };
  }

  schedule(delayMs: number, task: () => void): () => void {
    this.made += 1;
    const id = this.made;
    this.timers.set(id, { dueMs: this.monoMs + Math.max(0, delayMs), task });
    return () => this.timers.delete(id);
  }

  /** Lets `ms` pass; after each timer, and at the end, what it set going in promises runs out. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.monoMs + ms;
    await settle();
    for (;;) {
      const next = this.nextBefore(untilMs);
      if (next === undefined) break;
      const [id, timer] = next;
      this.timers.delete(id);
      this.monoMs = Math.max(this.monoMs, timer.dueMs);
      timer.task();
      await settle();
    }
    this.monoMs = untilMs;
  }

  /** Time goes by and nothing runs, as in a process that was stopped: what is due runs late. */
  freeze(ms: number): void {
    this.monoMs += ms;
  }

  /** The wall clock is set to another time; nothing else notices. */
  setWallClockBy(ms: number): void {
    this.epochZeroMs += ms;
  }

  private nextBefore(untilMs: number) {
    let found: [number, { readonly dueMs: number; readonly task: () => void }] | undefined;
    for (const entry of this.timers) {
      if (entry[1].dueMs > untilMs) continue;
      if (found === undefined || entry[1].dueMs < found[1].dueMs) found = entry;
    }
    return found;
  }
}

/** Lets everything that only waits for promises run out. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
