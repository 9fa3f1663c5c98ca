/** How much disk the sandboxes of tasks take: looked at one after the other, in the background, only while somebody asks. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunKey } from '#core';

const BLOCK_BYTES = 512;
/** Entries counted of one sandbox; one that has more is shown with what was counted. */
const MAX_ENTRIES = 100_000;
const PAUSE_MS = 15_000;

export interface SandboxSizes {
  /** What was found last; asks for another look when that is 15 s old. Never waits. */
  read(sandboxes: ReadonlyMap<RunKey, string>): ReadonlyMap<RunKey, number>;
}

export function createSandboxSizes(
  options: {
    readonly nowMs?: () => number;
    readonly maxEntries?: number;
    readonly onError?: (error: unknown) => void;
  } = {},
): SandboxSizes {
  const { nowMs = () => performance.now(), maxEntries = MAX_ENTRIES } = options;
  const sizes = new Map<RunKey, number>();
  let isLooking = false;
  let lookedMs = Number.NEGATIVE_INFINITY;
  const look = async (sandboxes: ReadonlyMap<RunKey, string>): Promise<void> => {
    for (const run of sizes.keys()) if (!sandboxes.has(run)) sizes.delete(run);
    for (const [run, sandbox] of sandboxes) {
      const bytes = await sizeOf(sandbox, maxEntries);
      if (bytes !== undefined) sizes.set(run, bytes);
    }
  };
  return {
    read(sandboxes) {
      if (!isLooking && nowMs() - lookedMs >= PAUSE_MS) {
        isLooking = true;
        look(new Map(sandboxes))
          .catch((error: unknown) => options.onError?.(error))
          .finally(() => {
            isLooking = false;
            lookedMs = nowMs();
          });
      }
      return sizes;
    },
  };
}

/** Blocks taken on the sandbox's own file system; a file with several names there counts once, links are not followed. */
async function sizeOf(sandbox: string, maxEntries: number): Promise<number | undefined> {
  const root = await lstat(sandbox).catch(() => undefined);
  if (root === undefined) return undefined;
  const counted = new Set<number>();
  const folders = [sandbox];
  let blocks = root.blocks;
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    // What the task removes, or makes unreadable, meanwhile is left out.
    const listing = await opendir(folder).catch(() => undefined);
    if (listing === undefined) continue;
    for await (const { name } of listing) {
      entries += 1;
      if (entries > maxEntries) return blocks * BLOCK_BYTES;
      const path = join(folder, name);
      const info = await lstat(path).catch(() => undefined);
      if (info === undefined || info.dev !== root.dev) continue;
      if (info.isDirectory()) folders.push(path);
      else if (info.nlink > 1) {
        if (counted.has(info.ino)) continue;
        counted.add(info.ino);
      }
      blocks += info.blocks;
    }
  }
  return blocks * BLOCK_BYTES;
}
