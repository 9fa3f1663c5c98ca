import type { EdgeServer } from '#routing';
import { atOnce, linesOf } from '../sync/thread-slices.js';

/** Parsers of the runtime API's answers (HAProxy 2.6 and later). */

/** The `description` of `show info`, or of a configuration: which structure a worker is started with. */
export function parseDescription(info: string): string | undefined {
  return /^ *description:? (.*)$/m.exec(info)?.[1]?.trim();
}

/** The `Pid` of `show info`: which worker answers. */
export function parseWorkerPid(info: string): number | undefined {
  const pid = /^Pid: (\d+)$/m.exec(info)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Administrative state bits of `srv_admin_state` that mean maintenance: forced, inherited, config, resolution. */
const MAINTENANCE_BITS = 0x01 | 0x02 | 0x04 | 0x20;

/** `show servers state`: backend -> server name -> server. Backends without servers are absent. */
export const parseServersState = (answer: string): ServersByBackend =>
  atOnce(serversStateSteps(answer));

type ServersByBackend = ReadonlyMap<string, ReadonlyMap<string, EdgeServer>>;

/** {@link parseServersState} in steps of a server. */
export function* serversStateSteps(answer: string): Generator<undefined, ServersByBackend> {
  const header = /^# be_id.*$/m.exec(answer)?.[0];
  const columns = header?.slice(2).split(' ') ?? [];
  const wanted = ['be_name', 'srv_name', 'srv_addr', 'srv_port', 'srv_admin_state', 'srv_uweight'];
  const places = [...wanted, 'srv_check_port'].map((name) => columns.indexOf(name));
  const backends = new Map<string, Map<string, EdgeServer>>();
  if (header === undefined || places.includes(-1)) return backends;
  for (const line of linesOf(answer)) {
    if (line.startsWith('#')) continue;
    const words = wordsAt(line, places);
    if (words === undefined) continue;
    const [backend = '', name = '', address = '', port, state, weight, checked] = words;
    const servers = backends.get(backend) ?? new Map<string, EdgeServer>();
    backends.set(backend, servers);
    // 0: that of the server.
    const checkPort = Number(checked);
    servers.set(name, {
      name,
      address,
      port: Number(port),
      weight: Number(weight),
      ...(checkPort > 0 && { checkPort }),
      state: (Number(state) & MAINTENANCE_BITS) === 0 ? 'ready' : 'maint',
    });
    yield;
  }
  return backends;
}

/** The words of a line that are at these places, without taking the others apart; undefined: it has not so many. */
function wordsAt(line: string, places: readonly number[]): readonly string[] | undefined {
  const words = new Array<string>(places.length);
  const last = Math.max(...places);
  let from = 0;
  for (let place = 0; place <= last; place += 1) {
    const blank = line.indexOf(' ', from);
    if (blank < 0 && place < last) return undefined;
    const at = places.indexOf(place);
    if (at >= 0) words[at] = line.slice(from, blank < 0 ? line.length : blank);
    from = blank + 1;
  }
  return words;
}

/** `show map FILE`: key -> value; the first of equal keys wins, as in HAProxy's lookup. */
export function parseMap(answer: string): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const line of answer.split('\n')) {
    const [, key, value] = /^0x[0-9a-f]+ (\S+) (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && !entries.has(key)) entries.set(key, value);
  }
  return entries;
}

/** `show stat -1 4 -1`: `backend/server` -> current sessions plus queued requests. */
export function parseSessions(csv: string): ReadonlyMap<string, number> {
  const sessions = new Map<string, number>();
  for (const line of csv.split('\n')) {
    if (line.startsWith('#')) continue;
    const [backend, server, queued, , current] = line.split(',');
    if (backend && server) sessions.set(`${backend}/${server}`, Number(queued) + Number(current));
  }
  return sessions;
}

/** A worker process as its master lists it. */
export interface HaproxyWorker {
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** It only finishes what it has. */
  readonly isOld: boolean;
}

/** What the master of a HAProxy says of itself and its workers. */
export interface MasterState {
  readonly pid: number | undefined;
  readonly reloads: number;
  /** Reloads since the last successful one that brought no worker. */
  readonly failedReloads: number;
  readonly workers: readonly HaproxyWorker[];
}

/** `show proc` of the master. */
export function parseProcesses(answer: string): MasterState {
  const master = /^(\d+)\s+master\s+(\d+)(?:\s+\[failed: (\d+)\])?/m.exec(answer);
  const [listed = ''] = answer.split('# programs');
  const [current = '', old = ''] = listed.split('# old workers');
  const workersIn = (part: string, isOld: boolean): HaproxyWorker[] =>
    [...part.matchAll(/^(\d+)\s+worker\s+(?:\d+\s+)?(\S*)/gm)].map(([, pid, uptime = '']) => ({
      pid: Number(pid),
      uptimeSeconds: parseUptime(uptime),
      isOld,
    }));
  return {
    pid: master === null ? undefined : Number(master[1]),
    reloads: Number(master?.[2] ?? 0),
    failedReloads: Number(master?.[3] ?? 0),
    workers: [...workersIn(current, false), ...workersIn(old, true)],
  };
}

/** `1d02h03m04s`; 0 when it is not one. */
function parseUptime(text: string): number {
  const [, days, hours, minutes, seconds] = /^(\d+)d(\d+)h(\d+)m(\d+)s$/.exec(text) ?? [];
  return (
    ((Number(days ?? 0) * 24 + Number(hours ?? 0)) * 60 + Number(minutes ?? 0)) * 60 +
    Number(seconds ?? 0)
  );
}
