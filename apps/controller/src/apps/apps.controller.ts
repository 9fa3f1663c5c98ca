import { Controller, Get, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type App, isPod } from '#core';
import { parseLabelSelector } from '#marathon-v2';
import { type ChangeResult, describeChange } from '../changes/root-writer.js';
import { sendJson } from '../http/json-reply.js';
import { acceptedOrThrow, sendWarnings } from '../http/outcome.js';
import { type Query, readFlag, readText, readTexts } from '../http/query.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { keyOfEmbeds, LIST_EMBEDS, readAppEmbeds } from './app-embeds.js';
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
  @ApiHeader({ name: 'If-None-Match', required: false })
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const query = request.query as Query;
    const { view } = this.runtime.engine;
    const embeds = readAppEmbeds(readTexts(query, 'embed'), LIST_EMBEDS);
    const filters = ['id', 'cmd', 'label'].filter((name) => readText(query, name) !== undefined);
    const select = readFilter(query);
    reply.header('x-pacer-sequence', String(view.lastEventId()));
    if (!embeds.taskStats && filters.length === 0) {
      const etag = `"${this.runtime.settings.bootId}-${view.totalChangeCounter()}-${keyOfEmbeds(embeds)}"`;
      reply.header('etag', etag);
      if (matches(request.headers['if-none-match'], etag)) {
        void reply.code(304).send();
        return;
      }
    }
    if (filters.length === 0) {
      void sendJson(reply, this.views.allApps(embeds));
      return;
    }
    const found = [...view.root().apps.values()].filter((app) => !isPod(app) && select(app));
    void sendJson(reply, this.views.list(found, embeds));
  }

  @Post()
  @ApiOperation({ summary: 'Creates an app' })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({
    name: 'strict',
    required: false,
    type: Boolean,
    description: 'refuse unknown fields',
  })
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { app, deploymentId, warnings } = await this.apps.create(toWriteRequest(request));
    reply.header('marathon-deployment-id', deploymentId).header('location', app.id);
    sendWarnings(reply, warnings);
    const counts = '"tasksStaged":0,"tasksRunning":0,"tasksHealthy":0,"tasksUnhealthy":0';
    const deployments = JSON.stringify([{ id: deploymentId }]);
    const definition = this.views.definition(app).slice(0, -1);
    void sendJson(
      reply.code(201),
      `${definition},${counts},"deployments":${deployments},"tasks":[]}`,
    );
  }

  @Put()
  @ApiOperation({ summary: 'Creates and changes several apps in one deployment' })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'partialUpdate', required: false, type: Boolean })
  async putAll(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChangeResult> {
    const partial = readFlag(request.query as Query, 'partialUpdate', true);
    const options = { mode: 'upsert', partial } as const;
    return describeChange(reply, await this.apps.updateAll(toWriteRequest(request), options));
  }

  @Patch()
  @ApiOperation({ summary: 'Changes several apps in one deployment; all must exist' })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  async patchAll(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChangeResult> {
    const options = { mode: 'update', partial: true } as const;
    return describeChange(reply, await this.apps.updateAll(toWriteRequest(request), options));
  }
}

/** All filters of a list together. */
function readFilter(query: Query): (app: App) => boolean {
  const id = readText(query, 'id')?.toLowerCase();
  const cmd = readText(query, 'cmd')?.toLowerCase();
  const label = readText(query, 'label');
  const selects = label === undefined ? undefined : acceptedOrThrow(parseLabelSelector(label));
  return (app) =>
    (id === undefined || app.id.includes(id)) &&
    (cmd === undefined || (app.cmd ?? '').toLowerCase().includes(cmd)) &&
    (selects?.(app.labels) ?? true);
}

const matches = (header: string | undefined, etag: string): boolean =>
  (header ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .some((tag) => tag === etag || tag === '*');
