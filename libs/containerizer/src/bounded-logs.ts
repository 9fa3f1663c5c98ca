/**
 * Log bounds that notice a flood while it happens: of the filesystem the logs are on, the free space is asked for four
 * times a second, which is one call however many tasks there are. When it has fallen by half a bound something writes,
 * and a sweep finds out whether it is a log. So a file exceeds its bound by what is written in a quarter of a second.
 */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createLogBounds, type LogBounds } from './log-bounds.js';

const LOOK_MS = 250;
/** Of the bound of one file: so much less free space makes a sweep. */
const NOTICED_FRACTION = 0.5;

export function createBoundedLogs(options: {
  readonly maxBytes: number;
  readonly intervalMs: number;
}): LogBounds {
  const bounds = createLogBounds(options);
  const noticedBytes = options.maxBytes * NOTICED_FRACTION;
  /** Sandboxes by the folder they are in, and how much was free there when that was last compared. */
  const folders = new Map<string, { readonly sandboxes: Set<string>; freeBytes: number }>();
  let isLooking = false;

  const look = async (): Promise<void> => {
    let hasFallen = false;
    for (const [path, folder] of folders) {
      const found = await statfs(path).catch(() => undefined);
      if (found === undefined) continue;
      const freeBytes = found.bfree * found.bsize;
      // More free space moves the mark up; less only when it is noticed, so that slow writing adds up.
      const hasFallenHere = folder.freeBytes - freeBytes >= noticedBytes;
      if (hasFallenHere || freeBytes > folder.freeBytes) folder.freeBytes = freeBytes;
      hasFallen ||= hasFallenHere;
    }
    if (hasFallen) await bounds.sweep();
  };

  const timer = setInterval(() => {
    if (isLooking || folders.size === 0) return;
    isLooking = true;
    void look().finally(() => {
      isLooking = false;
    });
  }, LOOK_MS);
  timer.unref();

  return {
    add(sandbox) {
      bounds.add(sandbox);
      const path = dirname(sandbox);
      const folder = folders.get(path) ?? { sandboxes: new Set<string>(), freeBytes: 0 };
      folder.sandboxes.add(sandbox);
      folders.set(path, folder);
    },
    remove(sandbox) {
      bounds.remove(sandbox);
      const folder = folders.get(dirname(sandbox));
      folder?.sandboxes.delete(sandbox);
      if (folder?.sandboxes.size === 0) folders.delete(dirname(sandbox));
    },
    sweep: () => bounds.sweep(),
    close() {
      clearInterval(timer);
      bounds.close();
    },
  };
}
