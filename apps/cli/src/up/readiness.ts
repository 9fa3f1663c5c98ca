import { setTimeout as sleep } from 'node:timers/promises';
import { authorizationHeader, describeConnectionError, fetchDaemon } from '#platform';

const POLL_MS = 50;
const REQUEST_LIMIT_MS = 2_000;

/** Waits until `isReady` holds, asking often; rejects with `describe()` after `limitMs` or when `signal` is aborted. */
export async function waitUntil(
  isReady: () => Promise<boolean>,
  options: {
    readonly limitMs: number;
    readonly signal: AbortSignal;
    readonly describe: () => string;
  },
): Promise<void> {
  const deadline = performance.now() + options.limitMs;
  while (!(await isReady())) {
    options.signal.throwIfAborted();
    if (performance.now() > deadline) throw new Error(options.describe());
    await sleep(POLL_MS);
  }
}

/** The status of a GET, or undefined while nothing answers. */
export async function getStatus(url: string): Promise<number | undefined> {
  return (await get(url))?.status;
}

/**
 * Whether the master has that many agents, by the operator API every Mesos master has. A master that does not know the
 * resource is taken at its word that it runs.
 */
export async function hasAgents(masterUrl: string, count: number): Promise<boolean> {
  const response = await get(`${masterUrl}/slaves`);
  if (response === undefined || response.status >= 500) return false;
  if (response.status !== 200) return true;
  const body = (await response.json().catch(() => ({}))) as {
    readonly slaves?: readonly { readonly active?: boolean }[];
  };
  return (body.slaves ?? []).filter(({ active }) => active !== false).length >= count;
}

let problem: string | undefined;

/** Why the last that did not answer did not, in brackets: a certificate that does not fit is seen here only. */
export const lastProblem = (): string => (problem === undefined ? '' : ` (${problem})`);

async function get(url: string): Promise<Response | undefined> {
  try {
    return await fetchDaemon(url, {
      headers: authorizationHeader('operator'),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    });
  } catch (error) {
    // Not listening yet: the caller asks again.
    problem = describeConnectionError(error);
    return undefined;
  }
}
