import type { EdgeContents } from '#routing';
import { toMapIdentifier } from './edge-commands.js';
import type { EdgeFiles } from './edge-files.js';
import { parseDescription, parseMap, parseServersState, parseWorkerPid } from './read-state.js';
import { runCommands } from './runtime-socket.js';

/** What HAProxy runs with, as read from itself. */
export interface AppliedEdge extends EdgeContents {
  /** Process id of the worker that told. */
  readonly workerPid: number | undefined;
  readonly mark: string | undefined;
  readonly backends: ReadonlySet<string>;
}

/** Asks the current worker. Rejects with RuntimeApiError when there is none. */
export async function readAppliedEdge({ adminSocket, hostsMap }: EdgeFiles): Promise<AppliedEdge> {
  const [info = '', state = '', map = '', backends = ''] = await runCommands(adminSocket, [
    'show info',
    'show servers state',
    `show map ${toMapIdentifier(hostsMap)}`,
    'show backend',
  ]);
  return {
    workerPid: parseWorkerPid(info),
    mark: parseDescription(info),
    servers: parseServersState(state),
    hosts: parseMap(map),
    backends: new Set(backends.split('\n').filter((name) => name !== '' && !name.startsWith('#'))),
  };
}
