/**
 * Marks what one command started in a task, so that all of it can be ended: a session or a process group would lose what
 * makes a session of its own.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalProcess } from './process-table.js';

const EXECUTION_VARIABLE = 'PACER_EXECUTION';
const PASSES = 10;
const PAUSE_MS = 5;

/** The variable that marks one execution and all its children. */
export const newExecutionMark = (): Readonly<Record<string, string>> => ({
  [EXECUTION_VARIABLE]: randomUUID(),
});

/**
 * SIGKILLs what carries the mark among the task's processes until nothing does; after ten passes it is given up. O(processes
 * of the task), so only for those that missed their deadline. What has cleared its environment is not found.
 */
export async function killMarked(
  mark: Readonly<Record<string, string>>,
  listProcesses: () => Promise<readonly number[]>,
): Promise<void> {
  const entry = `${EXECUTION_VARIABLE}=${mark[EXECUTION_VARIABLE]}`;
  for (let pass = 0; pass < PASSES; pass += 1) {
    let killed = 0;
    for (const pid of await listProcesses()) {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (environment.split('\0').includes(entry) && signalProcess(pid, 'SIGKILL')) killed += 1;
    }
    if (killed === 0) return;
    await sleep(PAUSE_MS);
  }
}
