import { type FSWatcher, watch } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAddition } from './grow-reader.js';

/** Where the events go. */
export interface FollowSink {
  /** Resolves when more may be sent; rejects when the reader is gone or takes nothing. */
  send(text: string): Promise<void>;
}

const HEARTBEAT_MS = 15_000;
/** How often a file is looked at that cannot be watched. */
const POLL_MS = 1_000;
/** What is written within it is sent together. */
const GATHER_MS = 20;

/**
 * Sends a file as it grows, as server-sent events: `{offset, data}` with the next offset as id, and `end` with a reason
 * when its run is over and all was sent, or when it is gone. The kernel says when to look; a heartbeat makes up for
 * what it did not say.
 */
export class FileFollower {
  private watcher: FSWatcher | undefined;
  private wakeUp: (() => void) | undefined;
  private isWoken = false;
  private isStopped = false;
  private isPolling = false;
  private offset = 0;
  private sentAtMs = 0;

  constructor(
    private file: FileHandle,
    private readonly source: {
      /** Opens what has the file's name by now. */
      readonly again: () => Promise<FileHandle>;
      /** Nothing will be added any more. */
      readonly isOver: () => boolean;
    },
    private readonly sink: FollowSink,
    private readonly watchPath: typeof watch = watch,
  ) {}

  /** Looks again, as its run may be over. */
  wake(): void {
    this.isWoken = true;
    this.wakeUp?.();
  }

  stop(): void {
    this.isStopped = true;
    this.wake();
  }

  /** Resolves when it has ended; -1 begins at the end of what is there. */
  async run(from: number): Promise<void> {
    try {
      this.watchFile();
      this.offset = from < 0 ? (await this.file.stat()).size : from;
      await this.send(': follows\n\n');
      while (!this.isStopped) {
        const isLast = this.source.isOver();
        await this.sendAdditions(isLast);
        const reason = (await this.isReplaced()) ?? (isLast ? 'the run is over' : undefined);
        if (reason === 'replaced') continue;
        if (reason !== undefined) {
          await this.send(
            `event: end\ndata: ${JSON.stringify({ offset: this.offset, reason })}\n\n`,
          );
          return;
        }
        await this.rest();
      }
    } finally {
      this.watcher?.close();
      await this.file.close();
    }
  }

  private async sendAdditions(isLast: boolean): Promise<void> {
    while (!this.isStopped) {
      const found = await readAddition(this.file, this.offset, { isLast });
      if (found === undefined) return;
      this.offset = found.next;
      const { offset, data } = found;
      await this.send(`id: ${this.offset}\ndata: ${JSON.stringify({ offset, data })}\n\n`);
    }
  }

  /** After a rotation by name the new file goes on from its beginning. A name that is gone may come back. */
  private async isReplaced(): Promise<'replaced' | 'the file was removed' | undefined> {
    const own = await this.file.stat();
    const next = await this.source.again().catch(() => undefined);
    if (next === undefined) return own.nlink === 0 ? 'the file was removed' : undefined;
    const found = await next.stat();
    if (found.ino === own.ino && found.dev === own.dev) {
      await next.close();
      return undefined;
    }
    this.watcher?.close();
    await this.file.close();
    this.file = next;
    this.offset = 0;
    this.watchFile();
    return 'replaced';
  }

  /** Watches what was opened, not its name: a link put there leads the watch nowhere. */
  private watchFile(): void {
    this.isPolling = false;
    try {
      this.watcher = this.watchPath(`/proc/self/fd/${this.file.fd}`, { persistent: false }, () =>
        this.wake(),
      );
      this.watcher.on('error', () => {
        this.isPolling = true;
        this.wake();
      });
    } catch {
      // The system's limit of watches is reached, or the filesystem has none.
      this.isPolling = true;
    }
  }

  private async rest(): Promise<void> {
    if (!this.isWoken) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve;
        timer = setTimeout(resolve, this.isPolling ? POLL_MS : HEARTBEAT_MS);
      });
      clearTimeout(timer);
      this.wakeUp = undefined;
    }
    if (performance.now() - this.sentAtMs >= HEARTBEAT_MS) await this.send(': heartbeat\n\n');
    await sleep(GATHER_MS);
    this.isWoken = false;
  }

  private async send(text: string): Promise<void> {
    await this.sink.send(text);
    this.sentAtMs = performance.now();
  }
}
