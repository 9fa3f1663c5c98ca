/** Keeps one log copy going for each running container, writes their checkpoints, and bounds the files. */
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { type LogCopy, startLogCopy } from './docker-log-copy.js';
import { createLogBounds } from './log-bounds.js';

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

export function createLogKeeper(options: { readonly maxBytes: number }): LogKeeper {
  const copies = new Map<string, LogCopy>();
  const bounds = createLogBounds({ maxBytes: options.maxBytes, intervalMs: SWEEP_MS });

  const saveAll = async (): Promise<void> => {
    const all = [...copies.values()];
    for (let start = 0; start < all.length; start += SAVES_AT_ONCE) {
      await Promise.allSettled(all.slice(start, start + SAVES_AT_ONCE).map((copy) => copy.save()));
    }
  };
  const timer = setInterval(() => void saveAll(), CHECKPOINT_MS);
  timer.unref();

  const begin = (task: LoggedTask): LogCopy => {
    const copy = startLogCopy(task);
    const { id } = task.container;
    copies.set(id, copy);
    bounds.add(task.sandbox);
    // An engine that is away ends the copy; the next comparison starts it again. A log driver that cannot be read
    // ends it for good, and the files stay empty.
    const forget = (): void => {
      if (copies.get(id) === copy) copies.delete(id);
    };
    copy.done.then(forget, forget);
    return copy;
  };

  return {
    follow(task) {
      if (!copies.has(task.container.id)) begin(task);
    },
    async copyRest(task) {
      const copy = copies.get(task.container.id) ?? begin(task);
      const settled = copy.done.catch(() => undefined);
      await Promise.race([settled, sleep(REST_TIMEOUT_MS, undefined, { ref: false })]);
      copy.stop();
      bounds.remove(task.sandbox);
    },
    async close() {
      clearInterval(timer);
      bounds.close();
      for (const copy of copies.values()) copy.stop();
      await Promise.allSettled([...copies.values()].map(({ done }) => done));
    },
  };
}
