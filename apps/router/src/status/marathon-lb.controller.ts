import { readFile } from 'node:fs/promises';
import { Controller, Get, Header, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '#platform';
import { readAppliedEdge } from '../haproxy/applied-edge.js';
import { readProcesses } from '../haproxy/open-sessions.js';
import { RouterService } from '../router.service.js';
import { readCsv } from './read-csv.js';

const TEXT = 'text/plain; charset=utf-8';

/** The HTTP endpoints of marathon-lb, here on the router's own port and with its credentials. */
@ApiTags('marathon-lb')
@Controller()
export class MarathonLbController {
  constructor(private readonly router: RouterService) {}

  @Get('_haproxy_health_check')
  @Header('content-type', TEXT)
  @ApiOperation({ summary: '200 while HAProxy answers, else 503' })
  async healthCheck(): Promise<string> {
    await this.applied();
    return '200 OK\n';
  }

  @Get('_haproxy_getconfig')
  @Header('content-type', TEXT)
  @ApiOperation({ summary: 'The configuration HAProxy was last given' })
  config(): Promise<string> {
    return readFile(this.router.files.config, 'utf8');
  }

  @Get('_haproxy_getvhostmap')
  @Header('content-type', TEXT)
  @ApiOperation({ summary: 'Host (and path) and backend, as HAProxy has them' })
  async vhostMap(): Promise<string> {
    const { hosts, sni } = (await this.applied()).maps;
    return toLines([...(hosts ?? []), ...(sni ?? [])].map(([key, value]) => `${key} ${value}`));
  }

  @Get('_haproxy_getappmap')
  @Header('content-type', TEXT)
  @ApiOperation({ summary: 'App and backend' })
  appMap(): string {
    const { routes } = this.router.loop.table;
    return toLines(routes.map(({ appId, backend }) => `${appId} ${backend}`));
  }

  @Get('_haproxy_getpids')
  @Header('content-type', TEXT)
  @ApiOperation({ summary: 'Process ids of the workers, the current one first' })
  async pids(): Promise<string> {
    const { workers } = await readProcesses(this.router.files).catch(unavailable);
    return toLines([workers.map(({ pid }) => pid).join(' ')]);
  }

  @Get('haproxy')
  @Header('content-type', TEXT)
  @ApiOperation({ summary: 'Statistics, with ?stats;csv' })
  async statistics(@Req() request: FastifyRequest): Promise<string> {
    const query = (request.raw.url ?? '').split('?')[1] ?? '';
    if (/^stats(?:;|%3b)csv(?:[;&%]|$)/i.test(query)) return readCsv(this.router);
    throw new ApiError(400, 'only /haproxy?stats;csv is served here; /v1/haproxy/stat is JSON');
  }

  @Post('_mlb_signal/hup')
  @HttpCode(200)
  @Header('content-type', TEXT)
  @ApiOperation({ summary: 'Read all apps anew' })
  readAnew(): string {
    this.router.loop.resync();
    return 'Sent SIGHUP signal to marathon-lb\n';
  }

  @Post('_mlb_signal/usr1')
  @HttpCode(200)
  @Header('content-type', TEXT)
  @ApiOperation({ summary: 'Validate and reload, whatever differs' })
  reload(): string {
    this.router.loop.forceReload();
    return 'Sent SIGUSR1 signal to marathon-lb\n';
  }

  private applied() {
    return readAppliedEdge(this.router.files).catch(unavailable);
  }
}

const toLines = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

function unavailable(error: unknown): never {
  throw new ApiError(503, `HAProxy does not answer: ${String(error)}`);
}
