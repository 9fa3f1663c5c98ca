import { readFile } from 'node:fs/promises';
import { Controller, Get, Header } from '@nestjs/common';
import { parseStatRecords } from '../haproxy/statistics/parse-stat.js';
import { RouterService } from '../router.service.js';
import { readCsv } from './read-csv.js';

/** So many are named; `conflicts` counts them, and /v1/routes has all. */
const MAX_LEFT_OUT = 100;

/** What this router serves and how far it has come; for operators and for tests. */
@Controller()
export class StatusController {
  constructor(private readonly router: RouterService) {}

  /**
   * Sequence applied, HAProxy's pid, reloads, runtime changes, repaired drift, every problem, what of which apps is left out and
   * why, what HAProxy can do and uses, and how DNS is.
   */
  @Get('/v1/status')
  status(): Readonly<Record<string, unknown>> {
    const { loop, watch, dns } = this.router;
    const leftOut = loop.table.conflicts.slice(0, MAX_LEFT_OUT);
    return { ...loop.status(), leftOut, ...watch.status(), dns: dns.status() };
  }

  /** The route table with its conflicts, each with the reason. */
  @Get('/v1/routes')
  routes(): unknown {
    return this.router.loop.table;
  }

  /** The configuration HAProxy was last given. */
  @Get('/v1/haproxy.cfg')
  @Header('content-type', 'text/plain; charset=utf-8')
  config(): Promise<string> {
    return readFile(this.router.files.config, 'utf8');
  }

  /** `show stat` of the current worker, at most 2 s old: one object a row, by HAProxy's own names. */
  @Get('/v1/haproxy/stat')
  async statistics(): Promise<readonly Readonly<Record<string, string>>[]> {
    return parseStatRecords(await readCsv(this.router));
  }
}
