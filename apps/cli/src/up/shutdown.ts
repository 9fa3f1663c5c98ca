import { authorizationHeader, fetchDaemon } from '#platform';
import { getStatus, waitUntil } from './readiness.js';
import type { SupervisedDaemon } from './supervised-daemon.js';

/** An agent answers when all of its tasks are gone; its own limit is 15 s. */
const KILL_TASKS_LIMIT_MS = 20_000;
/** Of an agent that is started once more. */
const ANSWER_LIMIT_MS = 15_000;
/** A router answers when HAProxy is gone, which has up to 6 s. */
const SHUTDOWN_LIMIT_MS = 10_000;
const EXIT_LIMIT_MS = 3_000;

export interface StopOptions {
  readonly keepTasks: boolean;
  /** Ends the HAProxy a router left running. */
  readonly endEdge: () => Promise<void>;
  readonly report: (line: string) => void;
}

/**
 * Stops a cluster in order: first those who would start or route to tasks again (controller, router and its HAProxy),
 * then the agents, which end their tasks unless `keepTasks`, then the master. Says whether a task may still run.
 */
export async function stopDaemons(
  daemons: readonly SupervisedDaemon[],
  options: StopOptions,
): Promise<{ readonly mayHaveTasks: boolean }> {
  const of = (program: SupervisedDaemon['program']) =>
    daemons.filter((daemon) => daemon.program === program);
  await stopAll(of('controller'));
  await Promise.all(of('router').map(shutRouter));
  await stopAll(of('router'));
  await options.endEdge();
  if (!options.keepTasks && of('agent').length > 0) options.report('ending tasks');
  const shut = options.keepTasks ? leaveTasks : endTasks;
  const areTasksGone = await Promise.all(of('agent').map((agent) => shut(agent, options.report)));
  await stopAll(of('agent'));
  await stopAll(of('master'));
  return { mayHaveTasks: areTasksGone.includes(false) };
}

const stopAll = async (daemons: readonly SupervisedDaemon[]): Promise<void> => {
  await Promise.all(daemons.map((daemon) => daemon.stop()));
};

/** One that does not know the call is stopped by signal, and its HAProxy afterwards. */
async function shutRouter(router: SupervisedDaemon): Promise<void> {
  if (!router.isAlive) return;
  try {
    await askToShutDown(router, {}, SHUTDOWN_LIMIT_MS);
    await router.waitForExit(EXIT_LIMIT_MS);
  } catch {
    // What it did not do is done for it.
  }
}

/** True when no task is left. An agent that does not run is started once more: nobody else can end its tasks. */
async function endTasks(agent: SupervisedDaemon, report: (line: string) => void): Promise<boolean> {
  try {
    if (agent.resume())
      report(`${agent.name} does not run: starting it once more to end its tasks`);
    await waitUntil(() => knowsItsTasks(agent), {
      limitMs: ANSWER_LIMIT_MS,
      signal: new AbortController().signal,
      describe: () => `it does not answer on ${agent.url}`,
    });
    const left = await askToShutDown(agent, { killTasks: true }, KILL_TASKS_LIMIT_MS);
    await agent.waitForExit(EXIT_LIMIT_MS);
    if (left > 0) report(`${agent.name}: ${left} tasks did not end`);
    return left === 0;
  } catch (error) {
    report(`${agent.name}: tasks may still run: ${toReason(error)}`);
    return false;
  }
}

/** True when there is none. */
async function leaveTasks(
  agent: SupervisedDaemon,
  report: (line: string) => void,
): Promise<boolean> {
  if (!agent.isAlive || !(await knowsItsTasks(agent))) return false;
  try {
    const left = await askToShutDown(agent, { killTasks: false }, SHUTDOWN_LIMIT_MS);
    await agent.waitForExit(EXIT_LIMIT_MS);
    if (left > 0) report(`${agent.name}: ${left} tasks go on`);
    return left === 0;
  } catch {
    // It is told by signal next, which leaves tasks alone.
    return false;
  }
}

/** Before it has found them again it would answer that there are none. */
const knowsItsTasks = async (agent: SupervisedDaemon): Promise<boolean> =>
  (await getStatus(`${agent.url}/state`)) === 200;

/** How many tasks the daemon left behind. */
async function askToShutDown(
  daemon: SupervisedDaemon,
  body: Readonly<Record<string, boolean>>,
  limitMs: number,
): Promise<number> {
  const response = await fetchDaemon(`${daemon.url}/pacer/v1/shutdown`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorizationHeader('operator') },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(limitMs),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  const { tasksLeft } = (await response.json()) as { readonly tasksLeft?: number };
  return tasksLeft ?? 0;
}

/** fetch tells what happened in the cause alone. */
function toReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
