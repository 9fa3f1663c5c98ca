import type { RouteTable } from '#routing';

/** How long a server a task no longer has in the route table is watched, ms. By then the controller has killed it. */
const DEPARTED_MS = 120_000;

/** What HAProxy has of one server. */
export interface ServerSight {
  readonly state: 'ready' | 'maint' | undefined;
  /** Sessions and queued requests, over all workers; undefined while HAProxy does not tell, which counts as some. */
  readonly open: number | undefined;
}

export interface DrainReport {
  readonly drained: readonly string[];
  readonly busy: readonly string[];
}

/**
 * Knows which tasks take no new request here and have none left. A server stays known for a while after it left the
 * route table: the app of a deleted task is not listed any more while its last requests are still being answered, and
 * after a change of port they are answered under the backend's former name.
 */
export class DrainWatch {
  /** Task -> its servers, as `backend/server` -> since when it is in the table no more, undefined: it is. */
  private readonly tasks = new Map<string, Map<string, number | undefined>>();
  private readonly departed = new Set<string>();

  /** Called with each new table. */
  follow(table: RouteTable, nowMs: number): void {
    const next = serversByTask(table);
    for (const [task, servers] of this.tasks) {
      for (const [server, sinceMs = nowMs] of servers) {
        if (next.get(task)?.has(server) === true) continue;
        if (nowMs - sinceMs > DEPARTED_MS) servers.delete(server);
        else servers.set(server, sinceMs);
      }
      if (servers.size === 0) this.tasks.delete(task);
    }
    for (const [task, servers] of next) {
      const known = this.tasks.get(task) ?? new Map<string, number | undefined>();
      this.tasks.set(task, known);
      for (const server of servers) known.set(server, undefined);
    }
    this.departed.clear();
    for (const task of this.tasks.keys()) if (!next.has(task)) this.departed.add(task);
  }

  /** Whether tasks that left the table are still watched. */
  get hasDeparted(): boolean {
    return this.departed.size > 0;
  }

  /** Sorts `draining` and the departed tasks into idle and busy ones, by what `look` sees of their servers. */
  sort(draining: readonly string[], look: (server: string) => ServerSight): DrainReport {
    const drained: string[] = [];
    const busy: string[] = [];
    for (const task of new Set([...draining, ...this.departed])) {
      const sights = [...(this.tasks.get(task)?.keys() ?? [])].map(look);
      const isIdle = sights.every(({ state, open }) => state !== 'ready' && open === 0);
      (isIdle ? drained : busy).push(task);
    }
    return { drained, busy };
  }
}

function serversByTask({ routes }: RouteTable): ReadonlyMap<string, ReadonlySet<string>> {
  const tasks = new Map<string, Set<string>>();
  for (const { backend, endpoints } of routes) {
    for (const { taskId, name } of endpoints) {
      const servers = tasks.get(taskId) ?? new Set<string>();
      tasks.set(taskId, servers.add(`${backend}/${name}`));
    }
  }
  return tasks;
}
