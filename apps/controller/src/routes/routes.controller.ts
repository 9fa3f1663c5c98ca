import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { resolveId, type WireRoutes } from '#marathon-v2';
import { readSearch } from '../apps/app-list.js';
import { sendJson } from '../http/json-reply.js';
import { type Query, readText } from '../http/query.js';
import { badQuery, shown } from '../lists/bad-query.js';
import { digestOf, isUnchanged } from '../lists/etag.js';
import { cutPage, describePage, MAX_PAGE, readPage } from '../lists/page.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { type RouteFilter, RoutesService } from './routes.service.js';

/** Problems in one answer at most; all are counted. */
const MAX_PROBLEMS = 1_000;
const MAX_HOST_CHARS = 253;

/** /v2/routes, ours: hosts, paths and ports at the edge, the instances behind them, and how they fare. */
@ApiTags('routers')
@Controller('v2/routes')
export class RoutesController {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly routes: RoutesService,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'What the edge serves, with the figures of every router and what is wrong',
  })
  @ApiQuery({ name: 'app', required: false, description: 'an app, or a group: those below it' })
  @ApiQuery({ name: 'vhost', required: false, description: 'one host' })
  @ApiQuery({
    name: 'search',
    required: false,
    description: 'part of an app id or host, or a port',
  })
  @ApiQuery({ name: 'limit', required: false, description: `a page, 1 to ${MAX_PAGE}, by id` })
  @ApiQuery({ name: 'after', required: false, description: 'the id the page comes after' })
  @ApiHeader({ name: 'If-None-Match', required: false })
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { view } = this.runtime.engine;
    const query = request.query as Query;
    const filter = readFilter(query);
    const page = readPage(query);
    const sequence = view.lastEventId();
    reply.header('x-pacer-sequence', String(sequence));
    const asked = digestOf(JSON.stringify([filter, page]));
    const counters = `${view.totalChangeCounter()}-${view.routerReports()}`;
    const standings = this.routes.standings();
    const silent = standings.filter(({ isRecent }) => !isRecent).length;
    const version = `${this.runtime.settings.bootId}-${counters}-${silent}-${asked}`;
    if (isUnchanged(request, reply, version)) return;
    const found = this.routes.find(filter);
    const { items, hasMore } =
      page === undefined
        ? { items: found.ids, hasMore: false }
        : cutPage(found.ids, page, (id) => id);
    if (page !== undefined) {
      const next = hasMore ? items.at(-1) : undefined;
      describePage(request, reply, { total: found.ids.length, next });
    }
    const omitted = found.problems.length - MAX_PROBLEMS;
    const body: WireRoutes = {
      sequence,
      routers: standings,
      routes: found.write(items),
      total: found.ids.length,
      problems: found.problems.slice(0, MAX_PROBLEMS),
      ...(omitted > 0 ? { omittedProblems: omitted } : {}),
    };
    void sendJson(reply, JSON.stringify(body));
  }
}

function readFilter(query: Query): RouteFilter {
  const app = readText(query, 'app');
  const vhost = readText(query, 'vhost')?.trim().toLowerCase();
  if (vhost !== undefined && (vhost === '' || vhost.length > MAX_HOST_CHARS)) {
    throw badQuery('vhost', `must be a host name, not '${shown(vhost)}'`);
  }
  const search = readSearch(query);
  const id = app === undefined ? undefined : resolveId(app, '/');
  if (id?.ok === false)
    throw badQuery('app', `must be the id of an app, not '${shown(app ?? '')}'`);
  return {
    ...(id === undefined ? {} : { app: id.id }),
    ...(vhost === undefined ? {} : { vhost }),
    ...(search === undefined ? {} : { search }),
  };
}
