import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import Dockerode from 'dockerode';
import type { Launcher } from '#core';

/**
 * The engine at a socket, else where `DOCKER_HOST` says. Over a socket each call has a connection of its own: an engine
 * that is about to stop still answers on old ones, and nobody would learn that it is.
 */
export function connectEngine(socketPath?: string): Dockerode {
  const isLocal = socketPath !== undefined || !process.env['DOCKER_HOST'];
  return new Dockerode({
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(isLocal ? { agent: new EngineAgent({ keepAlive: false }) } : {}),
  });
}

/**
 * docker-modem writes out the options of each request for its debug log, also where there is none, and that to any depth:
 * with every open connection of the agent that took longer than the request.
 */
class EngineAgent extends Agent {
  [inspect.custom](): string {
    return 'Agent';
  }
}

const DETECT_TIMEOUT_MS = 5_000;

/** Whether an engine answers, and what is to be known of it. */
export async function detectEngine(docker: Dockerode): ReturnType<Launcher['detect']> {
  try {
    const late = sleep(DETECT_TIMEOUT_MS, undefined, { ref: false }).then(() => {
      throw new Error(`no reply within ${DETECT_TIMEOUT_MS} ms`);
    });
    const info = (await Promise.race([docker.info(), late])) as {
      readonly LiveRestoreEnabled?: boolean;
    };
    const note = 'containers end when the Docker engine restarts: its live-restore is off';
    return { available: true, notes: info.LiveRestoreEnabled === true ? [] : [note] };
  } catch (error) {
    return { available: false, reason: `no Docker engine answers: ${(error as Error).message}` };
  }
}
