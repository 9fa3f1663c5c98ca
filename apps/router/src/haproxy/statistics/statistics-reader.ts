import type { Route } from '#routing';
import { inSlices } from '../../sync/thread-slices.js';
import type { EdgeFiles } from '../edge-files.js';
import { RuntimeApiError, runCommands } from '../runtime-socket.js';
import { type EdgeFigures, EdgeStatistics } from './edge-statistics.js';
import { parseInfo, type StatRow, statSteps } from './parse-stat.js';

const LOOK_INTERVAL_MS = 2_000;
/**
 * Servers read with one look, those of the next backends in turn: HAProxy takes some 84 ms for 10,000 of them, and the router
 * as long to read them.
 */
const SERVERS_PER_LOOK = 2_000;
const RAW_MAX_AGE_MS = 2_000;
/** Frontends and backends; servers of one; everything. */
const SHOW_PROXIES = 'show stat -1 3 -1';
const showServers = (backend: string): string => `show stat ${backend} 4 -1`;
const SHOW_ALL = 'show stat';

/** Reads HAProxy's statistics: each 2 s, servers at most 2,000 at a time. */
export class StatisticsReader {
  private readonly statistics = new EdgeStatistics();
  private timer: NodeJS.Timeout | undefined;
  private next = 0;
  private isLooking = false;
  private raw: { readonly atMs: number; readonly csv: Promise<string> } | undefined;

  constructor(
    private readonly options: {
      readonly files: Pick<EdgeFiles, 'adminSocket'>;
      readonly routes: () => readonly Route[];
    },
  ) {}

  /** As of the last look. While HAProxy does not answer they stay. */
  get figures(): EdgeFigures {
    return this.statistics.figures;
  }

  start(): void {
    this.timer = setInterval(() => void this.look(), LOOK_INTERVAL_MS).unref();
    void this.look();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Never rejects: without an answer the figures stay. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const routes = this.options.routes();
    try {
      const [info = '', proxies = '', ...servers] = await runCommands(
        this.options.files.adminSocket,
        ['show info', SHOW_PROXIES, ...this.nextBackends(routes).map(showServers)],
      );
      const figures = parseInfo(info);
      if (figures === undefined) return;
      const rows: StatRow[] = [];
      for (const answer of servers) rows.push(...(await inSlices(statSteps(answer))));
      const sight = {
        info: figures,
        proxies: await inSlices(statSteps(proxies)),
        servers: rows,
        routes,
        nowMs: performance.now(),
      };
      await inSlices(this.statistics.steps(sight));
    } catch (error) {
      if (!(error instanceof RuntimeApiError)) throw error;
      // Read again with the next look; that HAProxy is away is told elsewhere.
    } finally {
      this.isLooking = false;
    }
  }

  /** Those whose turn it is. */
  private nextBackends(routes: readonly Route[]): readonly string[] {
    const backends: string[] = [];
    let servers = 0;
    while (backends.length < routes.length) {
      const route = routes[this.next % routes.length];
      this.next += 1;
      if (route === undefined) break;
      servers += route.endpoints.length;
      backends.push(route.backend);
      if (servers >= SERVERS_PER_LOOK) break;
    }
    return backends;
  }

  /** `show stat` as HAProxy prints it, at most 2 s old. Rejects with RuntimeApiError. */
  readCsv(): Promise<string> {
    const nowMs = performance.now();
    if (this.raw !== undefined && nowMs - this.raw.atMs < RAW_MAX_AGE_MS) return this.raw.csv;
    const csv = runCommands(this.options.files.adminSocket, [SHOW_ALL]).then(([all = '']) => all);
    this.raw = { atMs: nowMs, csv };
    csv.catch(() => {
      this.raw = undefined;
    });
    return csv;
  }
}
