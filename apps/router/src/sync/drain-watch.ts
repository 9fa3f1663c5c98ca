import type { Route, RouteTable } from '#routing';

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
 * route table: the app of a deleted task may not be listed any more while its last requests are still being answered, and
 * after a change of port they are answered under the backend's former name.
 */
export class DrainWatch {
  private routes: ReadonlyMap<string, Route> = new Map();
  /** Task -> its servers, as `backend/server` -> since when it is in the table no more, undefined: it is. */
  private readonly tasks = new Map<string, Map<string, number | undefined>>();
  /** Tasks with a server that is in the table no more. */
  private readonly leaving = new Set<string>();
  private readonly departed = new Set<string>();

  /** Called with each new table. O(routes + endpoints of those that are not the same object as before). */
  follow(table: RouteTable, nowMs: number): void {
    const next = new Map(table.routes.map((route) => [route.backend, route]));
    for (const [backend, route] of this.routes) {
      if (next.get(backend) !== route) this.note(route, nowMs);
    }
    for (const [backend, route] of next) {
      if (this.routes.get(backend) !== route) this.note(route, undefined);
    }
    this.routes = next;
    this.departed.clear();
    for (const task of this.leaving) this.settle(task, nowMs);
  }

  /** Whether tasks that left the table are still watched. */
  get hasDeparted(): boolean {
    return this.departed.size > 0;
  }

  /** The backends in which the draining and the departed tasks are, or were. */
  backendsOf(draining: readonly string[]): readonly string[] {
    const servers = this.watched(draining).flatMap((task) => this.serversOf(task));
    return [...new Set(servers.map((server) => server.slice(0, server.indexOf('/'))))];
  }

  /** Sorts `draining` and the departed tasks into idle and busy ones, by what `look` sees of their servers. */
  sort(draining: readonly string[], look: (server: string) => ServerSight): DrainReport {
    const drained: string[] = [];
    const busy: string[] = [];
    for (const task of this.watched(draining)) {
      const sights = this.serversOf(task).map(look);
      const isIdle = sights.every(({ state, open }) => state !== 'ready' && open === 0);
      (isIdle ? drained : busy).push(task);
    }
    return { drained, busy };
  }

  private watched(draining: readonly string[]): readonly string[] {
    return [...new Set([...draining, ...this.departed])];
  }

  private serversOf(task: string): readonly string[] {
    return [...(this.tasks.get(task)?.keys() ?? [])];
  }

  /** `goneMs`: since when the endpoints of a route are in the table no more; undefined: they are. */
  private note({ backend, endpoints }: Route, goneMs: number | undefined): void {
    for (const { taskId, name } of endpoints) {
      const servers = this.tasks.get(taskId) ?? new Map<string, number | undefined>();
      this.tasks.set(taskId, servers.set(`${backend}/${name}`, goneMs));
      if (goneMs !== undefined) this.leaving.add(taskId);
    }
  }

  private settle(task: string, nowMs: number): void {
    const servers = this.tasks.get(task) ?? new Map<string, number | undefined>();
    let present = 0;
    for (const [server, sinceMs] of servers) {
      if (sinceMs === undefined) present += 1;
      else if (nowMs - sinceMs > DEPARTED_MS) servers.delete(server);
    }
    if (servers.size === 0) this.tasks.delete(task);
    if (servers.size === present) this.leaving.delete(task);
    else if (present === 0) this.departed.add(task);
  }
}
