import { readFile, stat } from 'node:fs/promises';
import type { Logger } from '#platform';
import { replaceFile } from './edge-files.js';

const LOOK_INTERVAL_MS = 10_000;
const MAX_BASE_BYTES = 4 * 1024 * 1024;

export interface BaseConfigOptions {
  /** The operator's haproxy.cfg. */
  readonly path: string;
  /** Where the last one HAProxy served with is kept, for when the file is refused after a restart of the router. */
  readonly lastGoodPath: string;
  readonly logger: Logger;
  /** Called when another text is to be tried. */
  readonly onChange: () => void;
}

/**
 * The operator's configuration that Pacer's is built on. A changed file is tried; what HAProxy refuses is left for the
 * last one it served with until the file changes again, and is named in `problem`.
 */
export class BaseConfig {
  private found: string | undefined;
  private candidate: string | undefined;
  private served: string | undefined;
  private refused: string | undefined;
  private signature = '';
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;
  /** Why the file is not what is served; undefined: it is. */
  problem: string | undefined;

  constructor(private readonly options: BaseConfigOptions) {}

  /** Turns to what the file was last seen with. Only then does `text` change, so that one reload is made of one text. */
  take(): void {
    if (this.found !== undefined) this.candidate = this.found;
  }

  /** What to render with; undefined: none is known to be good. */
  get text(): string | undefined {
    return this.candidate === this.refused ? this.served : this.candidate;
  }

  /** Reads the file, and again each 10 s if it was written meanwhile. */
  async start(): Promise<void> {
    this.served = await readFile(this.options.lastGoodPath, 'utf8').catch(() => undefined);
    this.candidate = this.served;
    await this.look();
    this.take();
    this.timer = setInterval(() => void this.look(), LOOK_INTERVAL_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Reads the file if it was written since the last look. Never rejects: what is wrong is in `problem`. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const { mtimeMs, size, ino } = await stat(this.options.path);
      const signature = `${mtimeMs} ${size} ${ino}`;
      if (signature === this.signature) return;
      if (size > MAX_BASE_BYTES)
        throw new Error(`has ${size} bytes, the limit is ${MAX_BASE_BYTES}`);
      const text = await readFile(this.options.path, 'utf8');
      this.signature = signature;
      this.offer(text);
    } catch (error) {
      this.signature = '';
      this.note(error instanceof Error ? error.message : String(error));
    } finally {
      this.isLooking = false;
    }
  }

  /** HAProxy serves with `text`. */
  async confirm(text: string | undefined): Promise<void> {
    if (text === undefined || text === this.served) return;
    this.served = text;
    if (text === this.found) this.problem = undefined;
    await replaceFile(this.options.lastGoodPath, text);
  }

  /** HAProxy refuses `text`. False: it has served with it, so something else is to blame. */
  refuse(text: string | undefined, reason: string): boolean {
    if (text === undefined || text === this.served) return false;
    this.refused = text;
    this.note(`refused, serving with the last good one until the file is written again: ${reason}`);
    return true;
  }

  private offer(text: string): void {
    this.found = text;
    // Written anew, it is tried again: a port may be free by now.
    this.refused = undefined;
    this.problem = undefined;
    if (text === this.candidate && text === this.served) return;
    this.options.logger.info({ path: this.options.path }, 'the base configuration changed');
    this.options.onChange();
  }

  private note(reason: string): void {
    const problem = `${this.options.path}: ${reason}`;
    if (problem !== this.problem) {
      this.options.logger.error({ path: this.options.path }, `base configuration: ${reason}`);
    }
    this.problem = problem;
  }
}
