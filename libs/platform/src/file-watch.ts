import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** A change is looked at once nothing more has happened for so long: writers rarely write all at once. */
const SETTLE_MS = 100;
/** Where the system tells nothing (network file systems, links to other folders). */
const LOOK_EVERY_MS = 5_000;

/**
 * Calls `changed` some time after any of the files was written or replaced, also by rename or by a link that now points
 * elsewhere. Does not keep the process alive.
 */
export class FileWatch {
  private readonly watchers: readonly FSWatcher[];
  private readonly timer: NodeJS.Timeout;
  private settling: NodeJS.Timeout | undefined;
  private seen: string;

  constructor(
    private readonly paths: readonly string[],
    private readonly changed: () => void,
  ) {
    this.seen = this.signature();
    const folders = [...new Set(paths.map((path) => dirname(path)))];
    this.watchers = folders.flatMap((folder) => this.watchFolder(folder));
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.timer);
    clearTimeout(this.settling);
    for (const watcher of this.watchers) watcher.close();
  }

  private watchFolder(folder: string): readonly FSWatcher[] {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.lookSoon());
      // A folder that goes away, or too many watches: the timer is left.
      watcher.on('error', () => watcher.close());
      return [watcher];
    } catch {
      return [];
    }
  }

  private lookSoon(): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.look(), SETTLE_MS).unref();
  }

  private look(): void {
    const signature = this.signature();
    if (signature === this.seen) return;
    this.seen = signature;
    this.changed();
  }

  private signature(): string {
    return this.paths.map(signatureOf).join();
  }
}

function signatureOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined
    ? 'absent'
    : `${found.ino}:${found.size}:${found.mtimeNs}:${found.mode}`;
}
