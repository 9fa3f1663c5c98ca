import { type RunKey, runKey } from '#core';

/** The chance of an agent under test. */
export const SEED: readonly number[] = Array(10).fill(1);

/** What an agent of {@link SEED} calls its n-th run, given that run's task id. */
export const nthRun = (taskId: string, number = 1): RunKey =>
  runKey(taskId, `${'01'.repeat(SEED.length)}-${number.toString(36)}`);
