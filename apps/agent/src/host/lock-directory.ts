import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Fields of /proc/<pid>/stat, counted after the command name: the state, and when the process started. */
const STATE_FIELD = 0;
const START_TIME_FIELD = 19;
/** A killed agent may take a moment to be gone. */
const ATTEMPTS = 15;
const PAUSE_MS = 200;

/** Two agents on one work directory would both own its tasks: refuses while the one named in `agent.pid` is alive. */
export async function lockDirectory(folder: string): Promise<void> {
  const path = join(folder, 'agent.pid');
  for (let attempt = 1; ; attempt += 1) {
    const owner = await readLiveOwner(path);
    if (owner === undefined) break;
    if (attempt === ATTEMPTS) {
      throw new Error(
        `${folder} is in use by the agent with pid ${owner}; set PACER_DATA to another folder`,
      );
    }
    await sleep(PAUSE_MS);
  }
  await writeFile(path, `${process.pid} ${(await readStartTime(process.pid)) ?? ''}\n`);
}

async function readLiveOwner(path: string): Promise<number | undefined> {
  const [pid, startTime] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
  if (!pid || !startTime || Number(pid) === process.pid) return undefined;
  return (await readStartTime(Number(pid))) === startTime ? Number(pid) : undefined;
}

/** Undefined for a process that is no more, a zombie included. */
async function readStartTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[STATE_FIELD] === 'Z' ? undefined : fields?.[START_TIME_FIELD];
}
