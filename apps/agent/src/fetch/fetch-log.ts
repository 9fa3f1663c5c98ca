import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

/** Between two lines about one download. */
const INTERVAL_MS = 10_000;
const { O_CREAT, O_APPEND, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const FLAGS = O_CREAT | O_APPEND | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;

/**
 * Tells in the task's `stderr` what is fetched for it and how far that is, as Mesos' fetcher does. What cannot be written
 * there is left out: what was fetched may have put anything in the file's place.
 */
export class FetchLog {
  private lastMs: number;

  constructor(
    private readonly sandbox: string,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.lastMs = clock();
  }

  async write(line: string): Promise<void> {
    let file: FileHandle | undefined;
    try {
      file = await open(join(this.sandbox, 'stderr'), FLAGS, 0o644);
      if ((await file.stat()).isFile()) await file.write(`fetch: ${line}\n`);
    } catch {
      // The task's own log is not worth its launch.
    } finally {
      await file?.close();
    }
  }

  /** At most one line in ten seconds. */
  progress(uri: string, received: number, bytes: number | undefined): void {
    const nowMs = this.clock();
    if (nowMs - this.lastMs < INTERVAL_MS) return;
    this.lastMs = nowMs;
    const total = bytes === undefined ? '' : ` of ${formatBytes(bytes)}`;
    void this.write(`${uri}: ${formatBytes(received)}${total}`);
  }
}

/** `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let amount = bytes;
  let unit = 'B';
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (amount < 1024) break;
    amount /= 1024;
    unit = next;
  }
  return `${amount.toFixed(1)} ${unit}`;
}

/** Without a password, for logs and reasons. */
export const withoutPassword = (uri: string): string =>
  uri.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#:@]*):[^/?#]*@/i, '$1:***@');
