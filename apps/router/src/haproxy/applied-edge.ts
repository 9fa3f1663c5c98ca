import { type AppliedContents, EDGE_MAPS } from '#routing';
import type { DriftView } from './drift.js';
import { toCliWord } from './edge-commands.js';
import type { EdgeFiles } from './edge-files.js';
import { parseDescription, parseMap, parseServersState, parseWorkerPid } from './read-state.js';
import { runCommands } from './runtime-socket.js';

/** What HAProxy runs with, as read from itself. */
export interface AppliedEdge extends AppliedContents {
  /** Process id of the worker that told. */
  readonly workerPid: number | undefined;
  readonly mark: string | undefined;
  readonly backends: ReadonlySet<string>;
}

/** Nothing in its configuration asks for this map. */
const UNKNOWN_MAP = /^Unknown map identifier/;

/** Asks the current worker. Rejects with RuntimeApiError when there is none. */
export async function readAppliedEdge({ adminSocket, maps }: EdgeFiles): Promise<AppliedEdge> {
  const [info = '', state = '', backends = '', ...entries] = await runCommands(adminSocket, [
    'show info',
    'show servers state',
    'show backend',
    ...EDGE_MAPS.map((map) => `show map ${toCliWord(maps[map])}`),
  ]);
  return {
    workerPid: parseWorkerPid(info),
    mark: parseDescription(info),
    servers: parseServersState(state),
    backends: new Set(backends.split('\n').filter((name) => name !== '' && !name.startsWith('#'))),
    maps: Object.fromEntries(
      EDGE_MAPS.flatMap((map, index) => {
        const answer = entries[index] ?? '';
        return UNKNOWN_MAP.test(answer) ? [] : [[map, parseMap(answer)]];
      }),
    ),
  };
}

/** What is compared of two looks at HAProxy. */
export const toDriftView = (applied: AppliedEdge): DriftView => ({
  servers: applied.servers,
  maps: new Map(Object.entries(applied.maps)),
});
