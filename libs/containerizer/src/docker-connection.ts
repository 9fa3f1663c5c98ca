import { Agent } from 'node:http';
import Dockerode from 'dockerode';

/**
 * The engine at a socket, else where `DOCKER_HOST` says. Over a socket each call has a connection of its own: an engine
 * that is about to stop still answers on old ones, and nobody would learn that it is.
 */
export function connectEngine(socketPath?: string): Dockerode {
  const isLocal = socketPath !== undefined || !process.env['DOCKER_HOST'];
  return new Dockerode({
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(isLocal ? { agent: new Agent({ keepAlive: false }) } : {}),
  });
}
