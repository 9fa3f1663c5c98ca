import { readFile } from 'node:fs/promises';
import { Controller, Get, Header } from '@nestjs/common';
import { RouterService } from '../router.service.js';

/** What this router serves and how far it has come; for operators and for tests. */
@Controller()
export class StatusController {
  constructor(private readonly router: RouterService) {}

  /** Sequence applied, HAProxy's pid, reloads, runtime changes, repaired drift, the last problem, and how DNS is. */
  @Get('/v1/status')
  status(): Readonly<Record<string, unknown>> {
    return { ...this.router.loop.status(), dns: this.router.dns.status() };
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
}
