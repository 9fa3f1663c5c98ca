/** Keeps one log copy going for each running container, writes their checkpoints, and bounds the files. */
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { createBoundedLogs } from './bounded-logs.js';
import { hasStatus } from './docker-errors.js';
import { type LogCopy, startLogCopy } from './docker-log-copy.js';

export interface LoggedTask {
  readonly container: Dockerode.Container;
  readonly sandbox: string;
  readonly runtimeDirectory: string;
}

export interface LogKeeper {
  /** Starts copying unless it is under way. */
  follow(task: LoggedTask): void;
  /** After the container's end: waits (for a bounded time) until everything it wrote is copied. */
  copyRest(task: LoggedTask): Promise<void>;
  close(): Promise<void>;
}

const SWEEP_MS = 10_000;
const CHECKPOINT_MS = 5_000;
const REST_TIMEOUT_MS = 10_000;
const SAVES_AT_ONCE = 16;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;

export function createLogKeeper(options: { readonly maxBytes: number }): LogKeeper {
  const copies = new Map<string, LogCopy>();
  const bounds = createBoundedLogs({ maxBytes: options.maxBytes, intervalMs: SWEEP_MS });

  const saveAll = async (): Promise<void> => {
    const all = [...copies.values()];
    for (let start = 0; start < all.length; start += SAVES_AT_ONCE) {
      await Promise.allSettled(all.slice(start, start + SAVES_AT_ONCE).map((copy) => copy.save()));
    }
  };
  const timer = setInterval(() => void saveAll(), CHECKPOINT_MS);
  timer.unref();

  const retries = new Map<string, NodeJS.Timeout>();
  const cancelRetry = (id: string): void => {
    clearTimeout(retries.get(id));
    retries.delete(id);
  };

  /** `retryMs`: the pause after a failure; undefined for a container that has ended. */
  const begin = (task: LoggedTask, retryMs?: number): LogCopy => {
    const { id } = task.container;
    const copy = startLogCopy(task);
    const startedMs = performance.now();
    cancelRetry(id);
    copies.set(id, copy);
    bounds.add(task.sandbox);
    const forget = (): boolean => copies.get(id) === copy && copies.delete(id);
    // An engine that is away ends the copy; the next comparison starts it again.
    copy.done.then(forget, (error: unknown) => {
      const isCurrent = forget();
      if (!isCurrent || retryMs === undefined || isRefusal(error)) return;
      const wentWell = performance.now() - startedMs > LONGEST_RETRY_MS;
      const pauseMs = wentWell ? FIRST_RETRY_MS : retryMs;
      const again = (): void => void begin(task, Math.min(pauseMs * 2, LONGEST_RETRY_MS));
      const timer = setTimeout(again, pauseMs);
      timer.unref();
      retries.set(id, timer);
    });
    return copy;
  };

  return {
    follow(task) {
      if (!copies.has(task.container.id)) begin(task, FIRST_RETRY_MS);
    },
    async copyRest(task) {
      const { id } = task.container;
      const copy = copies.get(id) ?? begin(task);
      const settled = copy.done.catch(() => undefined);
      await Promise.race([settled, sleep(REST_TIMEOUT_MS, undefined, { ref: false })]);
      // Nobody's any more: it is not begun again.
      copies.delete(id);
      cancelRetry(id);
      copy.stop();
      bounds.remove(task.sandbox);
    },
    async close() {
      clearInterval(timer);
      bounds.close();
      for (const id of [...retries.keys()]) cancelRetry(id);
      const open = [...copies.values()];
      copies.clear();
      for (const copy of open) copy.stop();
      await Promise.allSettled(open.map(({ done }) => done));
    },
  };
}

/** The engine itself says that there is nothing to read (a log driver that cannot be, a container that is gone). */
const isRefusal = (error: unknown): boolean => hasStatus(error, 404, 409, 501);
