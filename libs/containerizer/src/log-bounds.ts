/**
 * Keeps `stdout` and `stderr` of all tasks bounded: one slow timer, quicker while a task floods its log, looks at the space
 * they take and frees it at the head by punching a hole, so sizes and offsets never change and no writer notices. Where the
 * filesystem has no holes, the file's tail is copied to `<name>.1` and the file is emptied (lines written in that moment can
 * be lost).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, lstatSync, type Stats } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as yieldTurn } from 'node:timers/promises';
import { LOG_FILES } from './log-file.js';

const BLOCK_BYTES = 512;
const HOLE_ALIGNMENT_BYTES = 4096;
const COPY_CHUNK_BYTES = 1024 * 1024;
const STAT_BATCH = 32;
const PUNCH_TIMEOUT_MS = 30_000;
/** The pause after a sweep that found a flood: a file that had outgrown the bound by more than the bound itself. */
const FLOOD_INTERVAL_MS = 250;
const FLOOD_FACTOR = 2;

export interface LogBounds {
  add(sandbox: string): void;
  remove(sandbox: string): void;
  /** One pass over all files; the timer calls it too. */
  sweep(): Promise<void>;
  close(): void;
}

/** `maxBytes` is the space one file may take, exceeded at most by what is written between two sweeps. */
export function createLogBounds(options: {
  readonly maxBytes: number;
  readonly intervalMs: number;
  readonly canPunchHoles?: boolean;
}): LogBounds {
  const sandboxes = new Set<string>();
  // Decided once, by the first answer that tells; a failure for any other reason is tried again in the next sweep.
  let holes: boolean | undefined = options.canPunchHoles === false ? false : undefined;
  let sweeping = false;
  let hasFlood = false;
  let closed = false;

  const boundFile = async (path: string): Promise<void> => {
    const allocated = allocatedBytes(path);
    if (allocated <= options.maxBytes) return;
    if (allocated > options.maxBytes * FLOOD_FACTOR) hasFlood = true;
    // The task owns its sandbox: from here on only the opened file counts, never a link put in its place.
    const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      const { size } = await file.stat();
      if (holes !== false) {
        const punched = await punchHead(file, size - options.maxBytes);
        if (punched !== 'failed') holes ??= punched === 'done';
      }
      if (holes === false)
        await rotateByCopy(file, path, { size, kept: Math.floor(options.maxBytes / 2) });
    } finally {
      await file.close();
    }
  };

  const sweep = async (): Promise<void> => {
    if (sweeping) return;
    sweeping = true;
    hasFlood = false;
    try {
      const files = [...sandboxes].flatMap((box) => LOG_FILES.map((name) => join(box, name)));
      for (let start = 0; start < files.length; start += STAT_BATCH) {
        await Promise.allSettled(files.slice(start, start + STAT_BATCH).map(boundFile));
        await yieldTurn();
      }
    } finally {
      sweeping = false;
    }
  };

  let timer: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    if (closed) return;
    const pauseMs = hasFlood ? Math.min(FLOOD_INTERVAL_MS, options.intervalMs) : options.intervalMs;
    timer = setTimeout(() => void sweep().then(schedule), pauseMs);
    timer.unref();
  };
  schedule();
  return {
    add: (sandbox) => void sandboxes.add(sandbox),
    remove: (sandbox) => void sandboxes.delete(sandbox),
    sweep,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** Synchronous: a file that is being written to is in memory, and a trip through the thread pool costs ten times the call. */
function allocatedBytes(path: string): number {
  let found: Stats | undefined;
  try {
    found = lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return 0;
  }
  return found?.isFile() ? found.blocks * BLOCK_BYTES : 0;
}

/** What fallocate says where the filesystem, the kernel or the program itself (busybox) knows no holes. */
const UNSUPPORTED = /unsupported|not supported|not implemented|unrecognized option/i;
const MAX_REASON_CHARACTERS = 1_000;

async function punchHead(
  file: FileHandle,
  bytes: number,
): Promise<'done' | 'unsupported' | 'failed'> {
  const length = Math.max(0, bytes - (bytes % HOLE_ALIGNMENT_BYTES));
  if (length === 0) return 'failed';
  const range = ['--offset', '0', '--length', String(length)];
  const child = spawn('fallocate', ['--punch-hole', ...range, '/dev/fd/3'], {
    stdio: ['ignore', 'ignore', 'pipe', file.fd],
    env: { ...process.env, LC_ALL: 'C' },
    timeout: PUNCH_TIMEOUT_MS,
  });
  let reason = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    reason = (reason + text).slice(0, MAX_REASON_CHARACTERS);
  });
  try {
    const [code] = await once(child, 'close');
    if (code === 0) return 'done';
    return UNSUPPORTED.test(reason) ? 'unsupported' : 'failed';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'unsupported' : 'failed';
  }
}

/** Keeps the tail in `<path>.1`; with half the bound there, both files together stay within it. */
async function rotateByCopy(
  file: FileHandle,
  path: string,
  { size, kept }: { readonly size: number; readonly kept: number },
): Promise<void> {
  const copy = `${path}.1.new`;
  await rm(copy, { force: true });
  const target = await open(copy, 'wx', 0o644);
  try {
    await copyRange(file, target, { from: Math.max(0, size - kept), to: size });
  } finally {
    await target.close();
  }
  await rename(copy, `${path}.1`);
  await file.truncate(0);
}

async function copyRange(
  source: FileHandle,
  target: FileHandle,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const buffer = Buffer.alloc(COPY_CHUNK_BYTES);
  for (let position = from; position < to; ) {
    const length = Math.min(buffer.length, to - position);
    const { bytesRead } = await source.read(buffer, 0, length, position);
    if (bytesRead === 0) return;
    await target.write(buffer, 0, bytesRead);
    position += bytesRead;
  }
}
