import { type AppliedContents, EDGE_MAPS, type EdgeServer } from '#routing';
import { inSlices } from '../sync/thread-slices.js';
import { type DriftView, serverDrift } from './drift.js';
import { toCliWord } from './edge-commands.js';
import type { EdgeFiles } from './edge-files.js';
import { parseDescription, parseMap, parseWorkerPid, serversStateSteps } from './read-state.js';
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
    servers: await inSlices(serversStateSteps(state)),
    backends: new Set(backends.split('\n').filter((name) => name !== '' && !name.startsWith('#'))),
    maps: Object.fromEntries(
      EDGE_MAPS.flatMap((map, index) => {
        const answer = entries[index] ?? '';
        return UNKNOWN_MAP.test(answer) ? [] : [[map, parseMap(answer)]];
      }),
    ),
  };
}

/** Which worker answers, and what it was started with: little to ask for, however many servers there are. */
export async function readWorker({
  adminSocket,
}: Pick<EdgeFiles, 'adminSocket'>): Promise<Pick<AppliedEdge, 'mark' | 'workerPid'>> {
  const [info = ''] = await runCommands(adminSocket, ['show info']);
  return { workerPid: parseWorkerPid(info), mark: parseDescription(info) };
}

/** What HAProxy told, and what was believed of it when it was asked. */
export interface EdgeLook {
  readonly found: AppliedEdge;
  readonly before: AppliedEdge | undefined;
}

/**
 * What HAProxy has by a look that took its time, in which commands may have been carried out: of backends and maps that were
 * changed since, what is believed now. With the objects of what is believed where it is right, so that what follows compares
 * them at no cost. Undefined: the look says nothing of the worker of now.
 */
export function settleLook(
  { found, before }: EdgeLook,
  believed: AppliedEdge | undefined,
): AppliedEdge | undefined {
  if (before === undefined || believed === undefined) return undefined;
  const isOfNow = before.workerPid === believed.workerPid && found.workerPid === believed.workerPid;
  if (!isOfNow) return undefined;
  const servers = new Map<string, Servers>();
  for (const backend of new Set([...found.servers.keys(), ...believed.servers.keys()])) {
    const now = believed.servers.get(backend);
    const seen = now === before.servers.get(backend) ? found.servers.get(backend) : now;
    if (seen === undefined) continue;
    servers.set(backend, now !== undefined && areEqual(seen, now) ? now : seen);
  }
  const maps = EDGE_MAPS.flatMap((map) => {
    const isSettled = before.maps[map] === believed.maps[map];
    const seen = isSettled ? found.maps[map] : believed.maps[map];
    return seen === undefined ? [] : [[map, seen] as const];
  });
  return { ...found, servers, maps: Object.fromEntries(maps) };
}

type Servers = ReadonlyMap<string, EdgeServer>;

/** What HAProxy does not tell (where it checks) is as it was. */
function areEqual(now: Servers, before: Servers): boolean {
  if (now === before) return true;
  if (now.size !== before.size) return false;
  for (const [name, server] of now) {
    const known = before.get(name);
    if (known === undefined || serverDrift(server, known) !== undefined) return false;
    if (known.checkPort !== server.checkPort) return false;
  }
  return true;
}

/** What is compared of two looks at HAProxy. */
export const toDriftView = (applied: AppliedEdge): DriftView => ({
  servers: applied.servers,
  maps: new Map(Object.entries(applied.maps)),
});
