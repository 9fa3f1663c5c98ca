import type { Clock } from '#core';
import { ApiError, type Logger } from '#platform';

/** Mesos counts verbosity from 0; what we have for each number. */
const LEVELS = ['info', 'debug', 'trace'] as const;
const MAX_DURATION_MS = 7 * 24 * 3600 * 1000;

/** Makes the log more verbose for a while; afterwards it is as it was at the start. */
export class LoggingLevel {
  private readonly original: string;
  private current = 0;
  private cancel: (() => void) | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly clock: Clock,
  ) {
    this.original = logger.level;
  }

  /** 0 is what the process was started with. */
  get level(): number {
    return this.current;
  }

  set(level: number, durationMs: number): void {
    const name = LEVELS[level];
    if (name === undefined) {
      throw new ApiError(400, `level is ${level}; it must be from 0 to ${LEVELS.length - 1}`);
    }
    if (!(durationMs > 0 && durationMs <= MAX_DURATION_MS)) {
      throw new ApiError(
        400,
        `duration is ${durationMs} ms; it must be above 0 and at most 7 days`,
      );
    }
    this.reset();
    if (level === 0) return;
    this.current = level;
    this.logger.level = name;
    this.cancel = this.clock.schedule(durationMs, () => this.reset());
  }

  /** Also when the process stops, so that nothing is scheduled any more. */
  reset(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.current = 0;
    this.logger.level = this.original;
  }
}
