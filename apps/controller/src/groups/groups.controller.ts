import { Controller, Delete, Get, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { appsBelow, isPod } from '#core';
import { ApiError } from '#platform';
import { LIST_EMBEDS, readAppEmbeds } from '../apps/app-embeds.js';
import { AppViews } from '../apps/app-views.js';
import { restOfPath, toWriteRequest } from '../apps/write-request.js';
import { describeChange } from '../changes/root-writer.js';
import { sendJson } from '../http/json-reply.js';
import { type Query, readTexts } from '../http/query.js';
import { digestOf, isUnchanged } from '../lists/etag.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { readGroupEmbeds } from './group-embeds.js';
import { parseGroupPath } from './group-path.js';
import { GroupViews } from './group-views.js';
import { GroupsService } from './groups.service.js';

/** /v2/groups and /v2/groups/{id}: the tree of what is declared. */
@ApiTags('groups')
@Controller(['v2/groups', 'v2/groups/*'])
export class GroupsController {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly apps: AppViews,
    private readonly views: GroupViews,
    private readonly groups: GroupsService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'A group with what is in it; {id}/apps, {id}/versions' })
  @ApiQuery({ name: 'embed', required: false, isArray: true })
  async get(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parseGroupPath(restOfPath(request));
    const { view } = this.runtime.engine;
    const embed = readTexts(request.query as Query, 'embed');
    const root = view.root();
    reply.header('x-pacer-sequence', String(view.lastEventId()));
    switch (path.kind) {
      case 'group': {
        const id = this.groups.find(path.id);
        const embeds = readGroupEmbeds(embed);
        if (!embeds.ofApps.taskStats) {
          const shown = digestOf(JSON.stringify([id, embeds]));
          const changes = `${view.totalChangeCounter()}-${root.revision}`;
          const version = `${this.runtime.settings.bootId}-${changes}-${shown}`;
          if (isUnchanged(request, reply, version)) return;
        }
        void sendJson(reply, this.views.current(id, embeds));
        return;
      }
      case 'apps': {
        const id = this.groups.find(path.id);
        const embeds = readAppEmbeds(embed, LIST_EMBEDS);
        const below = [...appsBelow(root.apps, id)].filter(([, app]) => !isPod(app));
        void sendJson(reply, `[${below.map(([, app]) => this.apps.one(app, embeds)).join(',')}]`);
        return;
      }
      case 'versions':
        void reply.send(await this.runtime.store.listGroupVersions(this.groups.find(path.id)));
        return;
      case 'version': {
        const earlier = await this.groups.loadVersion(path.id, path.version);
        const id = this.groups.find(path.id, earlier);
        const embeds = readGroupEmbeds(embed);
        void sendJson(reply, this.views.render(earlier, id, embeds, { live: false }));
        return;
      }
      default:
        path satisfies never;
    }
  }

  @Post()
  @ApiOperation({ summary: 'Creates a group' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = this.onlyGroup(request, 'POST');
    const written = await this.groups.create(id, toWriteRequest(request));
    if (written.preview === undefined) reply.code(201).header('location', written.id);
    void reply.send(describeChange(reply, written));
  }

  @Put()
  @ApiOperation({ summary: 'Replaces a group tree, goes back to a version, or scales' })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  async put(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const write = toWriteRequest(request);
    const change = await this.groups.prepare(this.onlyGroup(request, 'PUT'), write);
    void reply.send(describeChange(reply, await this.groups.carryOut(change, write)));
  }

  @Patch()
  @ApiOperation({ summary: 'Sets enforceRole of a top-level group' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  async patch(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = this.onlyGroup(request, 'PATCH');
    void reply.send(describeChange(reply, await this.groups.patch(id, toWriteRequest(request))));
  }

  @Delete()
  @ApiOperation({ summary: 'Removes a group with everything in it' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = this.onlyGroup(request, 'DELETE');
    void reply.send(describeChange(reply, await this.groups.remove(id, toWriteRequest(request))));
  }

  private onlyGroup(request: FastifyRequest, method: string): string {
    const path = parseGroupPath(restOfPath(request));
    if (path.kind === 'group') return path.id;
    throw new ApiError(405, `Method ${method} is not allowed here; allowed: GET`, {
      headers: { allow: 'GET' },
    });
  }
}
