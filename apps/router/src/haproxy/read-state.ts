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
  const [backendAt, nameAt, addressAt, portAt, stateAt] = [
    at('be_name'),
    at('srv_name'),
    at('srv_addr'),
    at('srv_port'),
    at('srv_admin_state'),
  ];
  const backends = new Map<string, Map<string, EdgeServer>>();
  for (const line of lines) {
    const words = line.split(' ');
    const backend = words[backendAt];
    const name = words[nameAt];
    if (line.startsWith('#') || words.length < columns.length || !backend || !name) continue;
    const servers = backends.get(backend) ?? new Map<string, EdgeServer>();
    backends.set(backend, servers);
    servers.set(name, {
      name,
      address: words[addressAt] ?? '',
      port: Number(words[portAt]),
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

/** `show proc` of the master: process ids of workers that only finish what they have. */
export function parseOldWorkers(answer: string): readonly number[] {
  const oldPart = answer.split('# old workers')[1]?.split('# programs')[0] ?? '';
  return [...oldPart.matchAll(/^(\d+)\s+worker/gm)].map(([, pid]) => Number(pid));
}
