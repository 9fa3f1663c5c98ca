/** Single calls to the engine about one container, each with a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { TaskExit, TaskId } from '#core';
import { hasStatus } from './docker-errors.js';
import { toExitStatus } from './launch-record.js';

/** Calls that must succeed in the end are repeated this often, with doubling pauses. */
export const CALL_ATTEMPTS = 8;
export const FIRST_PAUSE_MS = 250;

const CALL_TIMEOUT_MS = 60_000;

export function withTimeout(): { readonly abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) };
}

/** Ended, though perhaps about to be removed; one that was never started is not over. */
export function isOver({ State }: Dockerode.ContainerInspectInfo): boolean {
  return !State.Running && State.Status !== 'created';
}

export function toExit(taskId: TaskId, { State }: Dockerode.ContainerInspectInfo): TaskExit {
  const status = toExitStatus(State.ExitCode);
  return { taskId, status, oomKilled: State.OOMKilled && State.ExitCode !== 0 };
}

export async function signalContainer(
  container: Dockerode.Container,
  signal: string,
): Promise<void> {
  try {
    await container.kill({ signal, ...withTimeout() });
  } catch (error) {
    // Gone or not running: its end is on its way to us.
    if (!hasStatus(error, 404, 409)) throw error;
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
