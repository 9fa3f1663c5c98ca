import type { RouteTable } from '#routing';

/** How long a task that left the route table is watched, ms. By then the controller has killed it. */
const DEPARTED_MS = 120_000;

/** What HAProxy has of one server. */
export interface ServerSight {
  readonly state: 'ready' | 'maint' | undefined;
  /** Sessions and queued requests, over all workers. */
  readonly open: number;
}

export interface DrainReport {
  readonly drained: readonly string[];
  readonly busy: readonly string[];
}

/**
 * Knows which tasks take no new request here and have none left. Tasks stay known for a while after they left the route
 * table, because the app of a deleted task is not listed any more while its last requests are still being answered.
 */
export class DrainWatch {
  /** Task -> its servers, as `backend/server`. */
  private current = new Map<string, readonly string[]>();
  private readonly departed = new Map<
    string,
    { readonly servers: readonly string[]; readonly sinceMs: number }
  >();

  /** Called with each new table. */
  follow(table: RouteTable, nowMs: number): void {
    const next = new Map<string, string[]>();
    for (const { backend, endpoints } of table.routes) {
      for (const { taskId, name } of endpoints) {
        const servers = next.get(taskId) ?? [];
        servers.push(`${backend}/${name}`);
        next.set(taskId, servers);
      }
    }
    for (const [task, servers] of this.current) {
      if (!next.has(task)) this.departed.set(task, { servers, sinceMs: nowMs });
    }
    for (const [task, { sinceMs }] of this.departed) {
      if (next.has(task) || nowMs - sinceMs > DEPARTED_MS) this.departed.delete(task);
    }
    this.current = next;
  }

  /** Whether tasks that left the table are still watched. */
  get hasDeparted(): boolean {
    return this.departed.size > 0;
  }

  /** Sorts `draining` and the departed tasks into idle and busy ones, by what `look` sees of their servers. */
  sort(draining: readonly string[], look: (server: string) => ServerSight): DrainReport {
    const drained: string[] = [];
    const busy: string[] = [];
    const departed = [...this.departed].map(([task, { servers }]) => [task, servers] as const);
    const listed = draining.map((task) => [task, this.current.get(task) ?? []] as const);
    for (const [task, servers] of [...listed, ...departed]) {
      const isIdle = servers.map(look).every(({ state, open }) => state !== 'ready' && open === 0);
      (isIdle ? drained : busy).push(task);
    }
    return { drained, busy };
  }
}
