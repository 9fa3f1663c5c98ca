import { lstat, opendir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BLOCK_BYTES = 512;
/** So many files are looked at, then nothing for a moment: a large sandbox costs time rather than the machine. */
const SLICE_FILES = 512;
const SLICE_PAUSE_MS = 20;
const STAT_BATCH = 32;

/**
 * Bytes a folder takes on its disk, as du says: blocks, a file with several names once, and nothing of another filesystem
 * or behind a link. It is not looked further once there are more than `enoughBytes`.
 */
export async function measureFolder(
  folder: string,
  options: { readonly enoughBytes: number; readonly signal: AbortSignal },
): Promise<number> {
  const top = await lstat(folder);
  const linked = new Set<number>();
  const waiting = [folder];
  let bytes = top.blocks * BLOCK_BYTES;
  let files = 0;
  const add = async (path: string): Promise<void> => {
    // It may be gone by now.
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined || found.dev !== top.dev) return;
    if (found.isDirectory()) waiting.push(path);
    else if (found.nlink > 1) {
      if (linked.has(found.ino)) return;
      linked.add(found.ino);
    }
    bytes += found.blocks * BLOCK_BYTES;
  };
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for await (const batch of namesIn(path)) {
      await Promise.all(batch.map(add));
      if (bytes > options.enoughBytes || options.signal.aborted) return bytes;
      files += batch.length;
      if (files < SLICE_FILES) continue;
      files = 0;
      await sleep(SLICE_PAUSE_MS, undefined, { ref: false });
    }
  }
  return bytes;
}

/** The used part of the filesystem that holds `path`, 0 to 1: what an unprivileged user cannot have any more. */
export async function filesystemUsage(path: string): Promise<number> {
  const { blocks, bavail } = await statfs(path);
  return blocks === 0 ? 0 : 1 - bavail / blocks;
}

async function* namesIn(folder: string): AsyncGenerator<readonly string[]> {
  const directory = await opendir(folder, { bufferSize: STAT_BATCH }).catch(() => undefined);
  if (directory === undefined) return;
  let batch: string[] = [];
  for await (const { name } of directory) {
    batch.push(join(folder, name));
    if (batch.length < STAT_BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}
