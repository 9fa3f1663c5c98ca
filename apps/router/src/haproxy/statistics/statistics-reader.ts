import type { Route } from '#routing';
import type { EdgeFiles } from '../edge-files.js';
import { RuntimeApiError, runCommands } from '../runtime-socket.js';
import { type EdgeFigures, EdgeStatistics } from './edge-statistics.js';
import { parseInfo, parseStat } from './parse-stat.js';

const LOOK_INTERVAL_MS = 2_000;
/** Servers are read with every fifth look: HAProxy takes some 84 ms for 10,000 of them. */
const LOOKS_PER_SERVER_READ = 5;
const RAW_MAX_AGE_MS = 2_000;
/** Frontends and backends; servers; everything. Any proxy, any service. */
const SHOW_PROXIES = 'show stat -1 3 -1';
const SHOW_SERVERS = 'show stat -1 4 -1';
const SHOW_ALL = 'show stat';

/** Reads HAProxy's statistics: each 2 s, servers each 10 s. */
export class StatisticsReader {
  private readonly statistics = new EdgeStatistics();
  private timer: NodeJS.Timeout | undefined;
  private looks = 0;
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
  async look(options: { readonly withServers?: boolean } = {}): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const isTurn = this.looks % LOOKS_PER_SERVER_READ === 0;
    const withServers = options.withServers ?? isTurn;
    this.looks += 1;
    try {
      const [info = '', proxies = '', servers] = await runCommands(this.options.files.adminSocket, [
        'show info',
        SHOW_PROXIES,
        ...(withServers ? [SHOW_SERVERS] : []),
      ]);
      const figures = parseInfo(info);
      if (figures === undefined) return;
      this.statistics.take({
        info: figures,
        proxies: parseStat(proxies),
        servers: servers === undefined ? undefined : parseStat(servers),
        routes: this.options.routes(),
        nowMs: performance.now(),
      });
    } catch (error) {
      if (!(error instanceof RuntimeApiError)) throw error;
      // Read again with the next look; that HAProxy is away is told elsewhere.
      this.looks = 0;
    } finally {
      this.isLooking = false;
    }
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
