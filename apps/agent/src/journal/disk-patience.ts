import { setTimeout as sleep } from 'node:timers/promises';
import { JournalError } from '../engine/task-journal.port.js';

/** Between attempts; the last one repeats for as long as it takes. */
const RETRY_DELAYS_MS: readonly number[] = [200, 1_000, 2_000, 5_000];

/**
 * Repeats what the disk refuses until it does not: a full disk is cleared sooner or later, and ending the process would
 * lose what only it knows. Says once that there is trouble, and once that it is over.
 */
export class DiskPatience {
  private readonly troubles = new Map<string, string>();
  private readonly closing = new AbortController();
  private readonly listeners = new Set<(problem: string | undefined) => void>();

  constructor(
    private readonly log: (level: 'info' | 'warn', message: string) => void,
    private readonly delaysMs: readonly number[] = RETRY_DELAYS_MS,
  ) {}

  /** What the disk refuses now, if anything. */
  get problem(): string | undefined {
    return this.troubles.values().next().value;
  }

  watch(listener: (problem: string | undefined) => void): void {
    this.listeners.add(listener);
    if (this.problem !== undefined) listener(this.problem);
  }

  /** Resolves when `work` has; rejects only after {@link close}. `refused` is called after each failure. */
  async persist(
    path: string,
    work: () => Promise<void>,
    refused: (problem: string) => Promise<void> = async () => undefined,
  ): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await work();
        this.note(path, undefined);
        return;
      } catch (error) {
        const problem = `cannot write ${path}: ${describe(error)}`;
        await refused(problem);
        this.note(path, problem);
        await this.pause(attempt, problem, error);
      }
    }
  }

  /** Nothing is tried again: what still waits is rejected. */
  close(): void {
    this.closing.abort();
  }

  private async pause(attempt: number, problem: string, cause: unknown): Promise<void> {
    const delayMs = this.delaysMs[Math.min(attempt, this.delaysMs.length - 1)];
    try {
      await sleep(delayMs, undefined, { signal: this.closing.signal });
    } catch {
      throw new JournalError(problem, { cause });
    }
  }

  private note(path: string, problem: string | undefined): void {
    const before = this.problem;
    if (problem === undefined) this.troubles.delete(path);
    else if (!this.troubles.has(path)) this.troubles.set(path, problem);
    const after = this.problem;
    if (before === after) return;
    if (after === undefined) this.log('info', 'the work directory can be written again');
    else this.log('warn', `${after}; trying again until it can be written`);
    for (const listener of [...this.listeners]) listener(after);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
