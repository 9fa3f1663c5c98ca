import type { RouteTable } from '#routing';
import type { AppMirror } from './app-mirror.js';
import { type DrainReport, DrainWatch } from './drain-watch.js';
import type { Edge } from './edge.port.js';

/** Counts what tasks that are being taken out of rotation still have to do here. */
export class DrainCounter {
  private readonly watch = new DrainWatch();
  /** As counted last. */
  report: DrainReport = { drained: [], busy: [] };

  constructor(
    private readonly mirror: Pick<AppMirror, 'drainingTasks'>,
    private readonly edge: Pick<Edge, 'serverState' | 'sessions'>,
  ) {}

  /** Called with each new table. */
  follow(table: RouteTable): void {
    this.watch.follow(table, performance.now());
  }

  /** Whether there is something to count. */
  get isDraining(): boolean {
    return this.mirror.drainingTasks().length > 0 || this.watch.hasDeparted;
  }

  /** Counts anew. True: the report is another one. */
  async update(): Promise<boolean> {
    const { edge } = this;
    const before = JSON.stringify(this.report);
    const backends = new Set(this.watch.backendsOf(this.mirror.drainingTasks()));
    const sessions = this.isDraining
      ? await edge.sessions([...backends]).catch(() => undefined)
      : undefined;
    // The list of now: a pass may have read more while the sessions were counted. What was not counted is not known.
    this.report = this.watch.sort(this.mirror.drainingTasks(), (server) => ({
      state: edge.serverState(server),
      open: backends.has(backendOf(server)) ? sessions && (sessions.get(server) ?? 0) : undefined,
    }));
    return JSON.stringify(this.report) !== before;
  }
}

/** Of a server as `backend/server`. */
const backendOf = (server: string): string => server.slice(0, server.indexOf('/'));
