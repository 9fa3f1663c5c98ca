import { authorizationHeader } from '#platform';
import type { SupervisedDaemon } from './supervised-daemon.js';

/** An agent answers when all of its tasks are gone; its own limit is 15 s. */
const KILL_TASKS_LIMIT_MS = 20_000;
const AGENT_EXIT_LIMIT_MS = 3_000;

/**
 * Stops a cluster in order: first those who would start or route to tasks again (controller, router with its HAProxy),
 * then the agents, which end their tasks unless `keepTasks`, then the master.
 */
export async function stopDaemons(
  daemons: readonly SupervisedDaemon[],
  options: { readonly keepTasks: boolean; readonly report: (line: string) => void },
): Promise<void> {
  const of = (program: SupervisedDaemon['program']) =>
    daemons.filter((daemon) => daemon.program === program);
  await stopAll(of('controller'));
  await stopAll(of('router'));
  if (!options.keepTasks) {
    options.report('ending tasks');
    await Promise.all(of('agent').map((agent) => endTasks(agent, options.report)));
  }
  await stopAll(of('agent'));
  await stopAll(of('master'));
}

const stopAll = async (daemons: readonly SupervisedDaemon[]): Promise<void> => {
  await Promise.all(daemons.map((daemon) => daemon.stop()));
};

async function endTasks(agent: SupervisedDaemon, report: (line: string) => void): Promise<void> {
  if (!agent.isAlive) return;
  try {
    const response = await fetch(`${agent.url}/pacer/v1/shutdown`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorizationHeader() },
      body: JSON.stringify({ killTasks: true }),
      signal: AbortSignal.timeout(KILL_TASKS_LIMIT_MS),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    await agent.waitForExit(AGENT_EXIT_LIMIT_MS);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    report(`${agent.name}: tasks may still run: ${reason}`);
  }
}
