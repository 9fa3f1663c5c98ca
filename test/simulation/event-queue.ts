import type { Clock, Now } from '#core';

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  task: (() => void) | undefined;
}

const EPOCH_ZERO_MS = 1_800_000_000_000;

/** Virtual time as a heap of things to do: in order of their due time, then of their making. */
export class EventQueue implements Clock {
  private monoMs = 0;
  private made = 0;
  private epochOffsetMs = 0;
  private readonly heap: Entry[] = [];

  now(): Now {
    // Wall clocks of databases and processes have whole milliseconds.
    const epochMs = EPOCH_ZERO_MS + this.epochOffsetMs + Math.floor(this.monoMs);
    return { epochMs, monoMs: this.monoMs };
  }

  schedule(delayMs: number, task: () => void): () => void {
    this.made += 1;
    const entry: Entry = { dueMs: this.monoMs + Math.max(0, delayMs), order: this.made, task };
    this.push(entry);
    return () => {
      entry.task = undefined;
    };
  }

  /** The wall clock is set; what is due is not. */
  jumpEpoch(ms: number): void {
    this.epochOffsetMs += ms;
  }

  /** Does the next thing. False: there is none. What it sets going in promises is the caller's to await. */
  runNext(): boolean {
    for (;;) {
      const entry = this.pop();
      if (entry === undefined) return false;
      if (entry.task === undefined) continue;
      this.monoMs = Math.max(this.monoMs, entry.dueMs);
      entry.task();
      return true;
    }
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  private pop(): Entry | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const isRight = right !== undefined && left !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || !isBefore(child, last)) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
    return first;
  }
}

const isBefore = (left: Entry, right: Entry): boolean =>
  left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
