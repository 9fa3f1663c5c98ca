/** Tells in the task's `stderr` what its launch waits for. What cannot be written there is left out. */
import { join } from 'node:path';
import { openLogFile } from './log-file.js';

/** Between two lines about one pull. */
const INTERVAL_MS = 10_000;

/** Writes the first progress, and then at most one in ten seconds; `end` resolves when all of it is written. */
export function createLaunchLog(sandbox: string): {
  tell(progress: string): void;
  end(): Promise<void>;
} {
  let lastMs = Number.NEGATIVE_INFINITY;
  let written: Promise<void> = Promise.resolve();
  return {
    tell(progress) {
      const nowMs = performance.now();
      if (nowMs - lastMs < INTERVAL_MS) return;
      lastMs = nowMs;
      written = written.then(async () => await write(sandbox, progress)).catch(() => undefined);
    },
    end: () => written,
  };
}

async function write(sandbox: string, line: string): Promise<void> {
  const file = await openLogFile(join(sandbox, 'stderr'));
  try {
    await file.write(`launch: ${line}\n`);
  } finally {
    await file.close();
  }
}
