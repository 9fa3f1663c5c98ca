/** Single calls to the engine about one container, each with a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { ExitStatus, RunKey, TaskExit, TaskLimits } from '#core';
import { toUpdate } from './docker-container-config.js';
import { hasStatus } from './docker-errors.js';
import { toExitStatus } from './launch-record.js';

/** Calls that must succeed in the end are repeated this often, with doubling pauses. */
export const CALL_ATTEMPTS = 8;
export const FIRST_PAUSE_MS = 250;

const CALL_TIMEOUT_MS = 60_000;

export function withTimeout(): { readonly abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) };
}

/** For calls that cannot be aborted: they are not waited for any longer than others. */
export async function withinCallTime<T>(call: Promise<T>): Promise<T> {
  const giveUp = new AbortController();
  const late = sleep(CALL_TIMEOUT_MS, undefined, { ref: false, signal: giveUp.signal }).then(() => {
    throw new Error(`the engine did not answer within ${CALL_TIMEOUT_MS} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([call, late]);
  } finally {
    giveUp.abort();
  }
}

/** Ended, though perhaps about to be removed; one that was never started is not over. */
export function isOver({ State }: Dockerode.ContainerInspectInfo): boolean {
  return !State.Running && State.Status !== 'created';
}

export function toExit(run: RunKey, { State }: Dockerode.ContainerInspectInfo): TaskExit {
  const status = toExitStatus(State.ExitCode);
  return { run, status, oomKilled: State.OOMKilled && State.ExitCode !== 0 };
}

/** False when there is nothing to signal: it is gone or does not run. */
export async function signalContainer(
  container: Dockerode.Container,
  signal: string,
): Promise<boolean> {
  try {
    await container.kill({ signal, ...withTimeout() });
    return true;
  } catch (error) {
    if (hasStatus(error, 404, 409)) return false;
    throw error;
  }
}

/** Gives a container other limits; one that has ended needs none. */
export async function resizeContainer(
  container: Dockerode.Container,
  limits: TaskLimits,
  { capCpu = false }: { readonly capCpu?: boolean },
): Promise<void> {
  try {
    await container.update({ ...toUpdate(limits, capCpu), ...withTimeout() });
  } catch (error) {
    if (!hasStatus(error, 404, 409)) throw error;
  }
}

/** How a container ended is asked for this often while it is said to run, and no longer apart than this. */
const RUNNING_LOOKS = 5;
const LONGEST_PAUSE_MS = 30_000;

export interface SeenExit {
  readonly exit: TaskExit;
  /** For a time there was no engine to ask. */
  readonly wasAway: boolean;
}

/**
 * Asks how a container ended until the engine says so. `exitCode` is what its event told, for one that is removed
 * already. Undefined when it runs after all, or once `isAwaited` is false.
 */
export async function awaitExit(
  container: Dockerode.Container,
  task: {
    readonly run: RunKey;
    readonly exitCode?: number | undefined;
    readonly isAwaited: () => boolean;
  },
): Promise<SeenExit | undefined> {
  let looks = 0;
  let wasAway = false;
  for (let pauseMs = FIRST_PAUSE_MS; task.isAwaited(); ) {
    const seen = await lookForExit(container, task);
    if (typeof seen === 'object') return { exit: seen, wasAway };
    if (seen === 'away') wasAway = true;
    // An event may come before the engine has written the end down, and long after a restart.
    if (seen === 'running') looks += 1;
    if (looks === RUNNING_LOOKS) return undefined;
    await sleep(pauseMs, undefined, { ref: false });
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
  return undefined;
}

const isAway = (error: unknown): boolean =>
  ['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '');

async function lookForExit(
  container: Dockerode.Container,
  { run, exitCode }: { readonly run: RunKey; readonly exitCode?: number | undefined },
): Promise<TaskExit | 'running' | 'no-answer' | 'away'> {
  try {
    const state = await container.inspect(withTimeout());
    return isOver(state) ? toExit(run, state) : 'running';
  } catch (error) {
    // Nobody listens where the engine should.
    if (isAway(error)) return 'away';
    if (!hasStatus(error, 404)) return 'no-answer';
    const removed: ExitStatus = { kind: 'unknown', reason: 'its container was removed' };
    const status = exitCode === undefined ? removed : toExitStatus(exitCode);
    return { run, status, oomKilled: false };
  }
}

export async function removeContainer(container: Dockerode.Container): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await container.remove({ force: true, v: true, ...withTimeout() });
      return;
    } catch (error) {
      if (hasStatus(error, 404)) return;
      if (attempt === CALL_ATTEMPTS) throw error;
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}
