import { Controller, Get, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '#core';
import { describeChange } from '../changes/root-writer.js';
import { sendJson } from '../http/json-reply.js';
import { sendWarnings } from '../http/outcome.js';
import { type Query, readFlag } from '../http/query.js';
import { digestOf, isUnchanged } from '../lists/etag.js';
import { cutPage, describePage, MAX_PAGE, type Page } from '../lists/page.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { keyOfEmbeds } from './app-embeds.js';
import { readAppListRequest } from './app-list.js';
import { AppViews } from './app-views.js';
import { AppsService } from './apps.service.js';
import { toWriteRequest } from './write-request.js';

/** /v2/apps: the list, and changes of several apps at once. */
@ApiTags('apps')
@Controller('v2/apps')
export class AppsController {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly views: AppViews,
    private readonly apps: AppsService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists apps; filters are ANDed' })
  @ApiQuery({ name: 'id', required: false, description: 'part of the id, case does not matter' })
  @ApiQuery({ name: 'cmd', required: false, description: 'part of the command' })
  @ApiQuery({ name: 'label', required: false, description: 'label selector' })
  @ApiQuery({ name: 'embed', required: false, isArray: true })
  @ApiQuery({ name: 'search', required: false, description: 'part of the id or of a label' })
  @ApiQuery({ name: 'limit', required: false, description: `a page, 1 to ${MAX_PAGE}, by id` })
  @ApiQuery({ name: 'after', required: false, description: 'the id the page comes after' })
  @ApiQuery({ name: 'fields', required: false, description: 'id,instances,labels.tier' })
  @ApiHeader({ name: 'If-None-Match', required: false })
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { view } = this.runtime.engine;
    const asked = readAppListRequest(request.query as Query);
    const { embeds, filter, page, selection } = asked;
    const isWhole = filter === undefined && page === undefined && selection === undefined;
    reply.header('x-pacer-sequence', String(view.lastEventId()));
    if (!embeds.taskStats) {
      const key = isWhole ? keyOfEmbeds(embeds) : digestOf(asked.key);
      const version = `${this.runtime.settings.bootId}-${view.totalChangeCounter()}-${key}`;
      if (isUnchanged(request, reply, version)) return;
    }
    if (isWhole) {
      void sendJson(reply, this.views.allApps(embeds));
      return;
    }
    const found = this.views.listed(embeds).filter((app) => filter?.(app) ?? true);
    const part = page === undefined ? found : this.cut(request, reply, { found, page });
    void sendJson(reply, this.views.list(part, embeds, selection));
  }

  @Post()
  @ApiOperation({ summary: 'Creates an app' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({
    name: 'strict',
    required: false,
    type: Boolean,
    description: 'refuse unknown fields',
  })
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const created = await this.apps.create(toWriteRequest(request));
    const { app, deploymentId, warnings } = created;
    if (created.preview !== undefined) {
      void reply.send(describeChange(reply, created));
      return;
    }
    reply.header('marathon-deployment-id', deploymentId).header('location', app.id);
    sendWarnings(reply, warnings);
    const counts = '"tasksStaged":0,"tasksRunning":0,"tasksHealthy":0,"tasksUnhealthy":0';
    const deployments = JSON.stringify([{ id: deploymentId }]);
    const definition = this.views.definition(app).slice(0, -1);
    void sendJson(
      reply.code(201),
      `${definition},${counts},"deployments":${deployments},"restarts":[],"tasks":[]}`,
    );
  }

  @Put()
  @ApiOperation({ summary: 'Creates and changes several apps in one deployment' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'partialUpdate', required: false, type: Boolean })
  async putAll(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReturnType<typeof describeChange>> {
    const partial = readFlag(request.query as Query, 'partialUpdate', true);
    const options = { mode: 'upsert', partial } as const;
    return describeChange(reply, await this.apps.updateAll(toWriteRequest(request), options));
  }

  @Patch()
  @ApiOperation({ summary: 'Changes several apps in one deployment; all must exist' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  async patchAll(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReturnType<typeof describeChange>> {
    const options = { mode: 'update', partial: true } as const;
    return describeChange(reply, await this.apps.updateAll(toWriteRequest(request), options));
  }

  /** One page, and the way to the next in the headers. */
  private cut(
    request: FastifyRequest,
    reply: FastifyReply,
    { found, page }: { readonly found: readonly App[]; readonly page: Page },
  ): readonly App[] {
    const { items, hasMore } = cutPage(found, page, ({ id }) => id);
    const next = hasMore ? items.at(-1)?.id : undefined;
    describePage(request, reply, { total: found.length, next });
    return items;
  }
}
