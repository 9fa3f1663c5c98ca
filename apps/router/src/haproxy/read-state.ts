import type { EdgeServer } from '#routing';

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
export function parseServersState(
  answer: string,
): ReadonlyMap<string, ReadonlyMap<string, EdgeServer>> {
  const lines = answer.split('\n');
  const header = lines.find((line) => line.startsWith('# be_id'));
  const columns = header?.slice(2).split(' ') ?? [];
  const at = (name: string): number => columns.indexOf(name);
  const [backendAt, nameAt, addressAt, portAt, stateAt, weightAt, checkPortAt] = [
    at('be_name'),
    at('srv_name'),
    at('srv_addr'),
    at('srv_port'),
    at('srv_admin_state'),
    at('srv_uweight'),
    at('srv_check_port'),
  ];
  const backends = new Map<string, Map<string, EdgeServer>>();
  for (const line of lines) {
    const words = line.split(' ');
    const backend = words[backendAt];
    const name = words[nameAt];
    if (line.startsWith('#') || words.length < columns.length || !backend || !name) continue;
    const servers = backends.get(backend) ?? new Map<string, EdgeServer>();
    backends.set(backend, servers);
    // 0: that of the server.
    const checkPort = Number(words[checkPortAt] ?? 0);
    servers.set(name, {
      name,
      address: words[addressAt] ?? '',
      port: Number(words[portAt]),
      weight: Number(words[weightAt]),
      ...(checkPort > 0 && { checkPort }),
      state: (Number(words[stateAt]) & MAINTENANCE_BITS) === 0 ? 'ready' : 'maint',
    });
  }
  return backends;
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
