import type { AppId } from './ids.js';

/** How far the current run of a job has come. Stored, so that nothing that has finished is ever run again. */
export interface JobProgress {
  readonly appId: AppId;
  /** `lastConfigChangeAt` of the definition that runs: another definition, or a restart, is another run. */
  readonly run: string;
  readonly completed: number;
  /** Given up, as they failed once more than `maxRetries`. */
  readonly failed: number;
  /** How many wait to be launched again, by how often they have failed: those that failed once come first. */
  readonly retries: readonly number[];
}
