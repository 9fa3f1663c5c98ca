import type { EdgeFiles } from './edge-files.js';
import { type MasterState, parseProcesses, parseSessions } from './read-state.js';
import { askMaster, RuntimeApiError, runCommands } from './runtime-socket.js';

type Sockets = Pick<EdgeFiles, 'adminSocket' | 'masterSocket'>;

const SHOW_SERVERS = 'show stat -1 4 -1';
/** How the answer to it begins, whatever the servers. */
const STATISTICS_HEADER = '# pxname,';

/**
 * `backend/server` -> sessions and queued requests, over the current worker and those still finishing. Rejects with
 * {@link RuntimeApiError} unless every worker told: a worker that does not answer may well have sessions.
 */
export async function readOpenSessions(sockets: Sockets): Promise<ReadonlyMap<string, number>> {
  const [current = ''] = await runCommands(sockets.adminSocket, [SHOW_SERVERS]);
  if (!current.startsWith(STATISTICS_HEADER)) {
    throw new RuntimeApiError(`${sockets.adminSocket}: no statistics but ${current.slice(0, 80)}`);
  }
  const answers = [current];
  for (const pid of await listOldWorkers(sockets)) answers.push(await askOldWorker(sockets, pid));
  const total = new Map<string, number>();
  for (const answer of answers) {
    for (const [server, count] of parseSessions(answer)) {
      total.set(server, (total.get(server) ?? 0) + count);
    }
  }
  return total;
}

/** Process ids of workers that only finish what they have. */
export async function listOldWorkers(
  sockets: Pick<Sockets, 'masterSocket'>,
): Promise<readonly number[]> {
  const { workers } = await readProcesses(sockets);
  return workers.filter(({ isOld }) => isOld).map(({ pid }) => pid);
}

/** The master and its workers. Rejects with {@link RuntimeApiError} when the master does not answer. */
export async function readProcesses(sockets: Pick<Sockets, 'masterSocket'>): Promise<MasterState> {
  return parseProcesses(await askMaster(sockets.masterSocket, 'show proc'));
}

async function askOldWorker(sockets: Sockets, pid: number): Promise<string> {
  const answer = await askMaster(sockets.masterSocket, `@!${pid} ${SHOW_SERVERS}`).catch(String);
  if (answer.startsWith(STATISTICS_HEADER)) return answer;
  if (!(await listOldWorkers(sockets)).includes(pid)) return ''; // It ended meanwhile.
  throw new RuntimeApiError(`worker ${pid} does not tell its sessions: ${answer.slice(0, 80)}`);
}
