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

/** The file as it was once written: the same text may be written again. */
interface Revision {
  readonly text: string;
}

/**
 * The operator's configuration that Pacer's is built on. A changed file is tried; what HAProxy refuses is left for the
 * last one it served with until the file changes again, and is named in `problem`.
 */
export class BaseConfig {
  private found: Revision | undefined;
  private taken: Revision | undefined;
  private served: string | undefined;
  /** What HAProxy refused of what was taken. */
  private refused: Revision | undefined;
  private doubted: Revision | undefined;
  private signature = '';
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;
  private isStopped = false;
  /** Why the file is not what is served; undefined: it is. */
  problem: string | undefined;

  constructor(private readonly options: BaseConfigOptions) {}

  /** Turns to what the file was last seen with. Only then does `text` change for another, so that one reload is made of one text. */
  take(): void {
    this.taken = this.found ?? this.taken;
  }

  /** What to render with; undefined: none is known to be good. */
  get text(): string | undefined {
    return this.taken === undefined || this.taken === this.refused ? this.served : this.taken.text;
  }

  /** Reads the file, and again each 10 s if it was written meanwhile. */
  async start(): Promise<void> {
    this.served = await readFile(this.options.lastGoodPath, 'utf8').catch(() => undefined);
    await this.look();
    this.take();
    if (this.isStopped) return;
    this.timer = setInterval(() => void this.look(), LOOK_INTERVAL_MS).unref();
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
  }

  /** Reads the file if it was written since the last look. Never rejects: what is wrong is in `problem`. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const { signature, size } = await this.readSignature();
      if (signature === this.signature) return;
      if (size > MAX_BASE_BYTES)
        throw new Error(`has ${size} bytes, the limit is ${MAX_BASE_BYTES}`);
      const text = await readFile(this.options.path, 'utf8');
      // Somebody is writing it: it is looked at again.
      if ((await this.readSignature()).signature !== signature) return;
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
    this.doubted = undefined;
    if (text === undefined || text === this.served) return;
    this.served = text;
    if (text === this.found?.text) this.problem = undefined;
    await replaceFile(this.options.lastGoodPath, text);
  }

  /** HAProxy refuses `text`. False: it has served with it, so something else is to blame. */
  refuse(text: string | undefined, reason: string): boolean {
    if (text === undefined || text === this.served || text !== this.taken?.text) return false;
    this.refused = this.taken;
    this.note(`refused, serving with the last good one until the file is written again: ${reason}`);
    return true;
  }

  /** HAProxy did not come up with `text`, and did not say why: once may be anything, twice is a refusal. */
  doubt(text: string | undefined, reason: string): void {
    if (text === undefined || text === this.served || text !== this.taken?.text) return;
    if (this.doubted === this.taken) this.refuse(text, reason);
    else this.doubted = this.taken;
  }

  private async readSignature(): Promise<{ readonly signature: string; readonly size: number }> {
    const { mtimeMs, size, ino } = await stat(this.options.path);
    return { signature: `${mtimeMs} ${size} ${ino}`, size };
  }

  /** Written anew, even the same text is tried again: a port may be free by now. What is under way goes on with its own. */
  private offer(text: string): void {
    const isServed = text === this.served && this.text === text;
    this.found = { text };
    this.problem = undefined;
    if (isServed) return;
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
