import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';

/** A log is at most twice as large: the file and its predecessor `.1`. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;
const TAIL_BYTES = 4_096;

/** The logs of the daemons, `<data>/logs/<name>.log`. */
export class LogFiles {
  readonly directory: string;

  constructor(dataDirectory: string) {
    this.directory = join(dataDirectory, 'logs');
    mkdirSync(this.directory, { recursive: true, mode: 0o755 });
  }

  pathOf(name: string): string {
    return join(this.directory, `${name}.log`);
  }

  /** A descriptor for a child to append to. The caller closes it. */
  open(name: string): number {
    return openSync(this.pathOf(name), 'a', 0o640);
  }

  /**
   * Copies a log that is too large aside and empties it. Writers append through descriptors of their own and go on at the
   * new end; what they write between the two steps is lost.
   */
  rotate(name: string): void {
    const path = this.pathOf(name);
    try {
      if (statSync(path).size < MAX_LOG_BYTES) return;
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** The last lines, for saying why something does not start. */
  tail(name: string, lines: number): readonly string[] {
    try {
      const file = openSync(this.pathOf(name), 'r');
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      closeSync(file);
      return buffer.toString('utf8').trimEnd().split('\n').slice(-lines);
    } catch {
      return [];
    }
  }
}
