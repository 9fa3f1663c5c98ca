import type { EdgeFiles } from './edge-files.js';
import { type MasterState, parseProcesses, parseSessions } from './read-state.js';
import { askMaster, RuntimeApiError, runCommands } from './runtime-socket.js';

type Sockets = Pick<EdgeFiles, 'adminSocket' | 'masterSocket'>;

/** Servers (4) of one backend, all of them (-1): over all backends it takes 84 ms of a worker at 10,000 servers. */
const showServers = (backend: string): string => `show stat ${backend} 4 -1`;
/** How the answer to it begins, whatever the servers. */
const STATISTICS_HEADER = '# pxname,';

/**
 * `backend/server` -> sessions and queued requests, over the current worker and those still finishing. Rejects with
 * {@link RuntimeApiError} unless every worker told: a worker that does not answer may well have sessions.
 */
export async function readOpenSessions(
  sockets: Sockets,
  backends: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (backends.length === 0) return new Map();
  const answers = [...(await runCommands(sockets.adminSocket, backends.map(showServers)))];
  const strange = answers.find((answer) => !isStatistics(answer));
  if (strange !== undefined) {
    throw new RuntimeApiError(`${sockets.adminSocket}: no statistics but ${strange.slice(0, 80)}`);
  }
  for (const pid of await listOldWorkers(sockets)) {
    for (const backend of backends) answers.push(await askOldWorker(sockets, pid, backend));
  }
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

/** A worker that does not have the backend has no sessions for it. */
const isStatistics = (answer: string): boolean =>
  answer.startsWith(STATISTICS_HEADER) || /^No such proxy/.test(answer);

async function askOldWorker(sockets: Sockets, pid: number, backend: string): Promise<string> {
  const answer = await askMaster(sockets.masterSocket, `@!${pid} ${showServers(backend)}`).catch(
    String,
  );
  if (isStatistics(answer)) return answer;
  if (!(await listOldWorkers(sockets)).includes(pid)) return ''; // It ended meanwhile.
  throw new RuntimeApiError(`worker ${pid} does not tell its sessions: ${answer.slice(0, 80)}`);
}
