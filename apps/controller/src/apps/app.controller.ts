import { Controller, Delete, Get, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type App, appId, appsBelow, isPod } from '#core';
import { missingApp, resolveAppId, resolveId, type WireWhy } from '#marathon-v2';
import { ApiError } from '#platform';
import { askedBy } from '../changes/asked-by.js';
import { describeChange } from '../changes/root-writer.js';
import { sendJson } from '../http/json-reply.js';
import { toApiError } from '../http/outcome.js';
import { type Query, readFlag, readText, readTexts } from '../http/query.js';
import { toWireWhy } from '../queue/why-views.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { killBody, readKillOptions } from '../tasks/kill-request.js';
import { TaskKillService } from '../tasks/task-kill.service.js';
import { LIST_EMBEDS, ONE_APP_EMBEDS, readAppEmbeds } from './app-embeds.js';
import { type AppPath, appAskedWhy, parseAppPath } from './app-path.js';
import { AppViews } from './app-views.js';
import { AppsService, type WrittenAppResult } from './apps.service.js';
import { restOfPath, toWriteRequest } from './write-request.js';

/** /v2/apps/{id} and what is below it. Ids hold slashes, so the end of the path says what is meant. */
@ApiTags('apps')
@ApiParam({
  name: 'path',
  description: 'app id, with /tasks, /versions, /why or /restart behind it',
})
@Controller('v2/apps/*')
export class AppController {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly views: AppViews,
    private readonly apps: AppsService,
    private readonly kills: TaskKillService,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'An app, its tasks, its versions or why it waits; /* means all apps below a group',
  })
  @ApiQuery({ name: 'embed', required: false, isArray: true })
  async get(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parseAppPath(restOfPath(request));
    const embed = readTexts(request.query as Query, 'embed');
    switch (path.kind) {
      case 'app': {
        const asked = appAskedWhy(path.id, this.runtime.engine.view.root().apps);
        if (asked !== undefined) {
          void reply.send(this.explain(asked));
          return;
        }
        const embeds = readAppEmbeds(embed, ONE_APP_EMBEDS);
        const app =
          (embeds.leaving ? this.findLeaving(path.id) : undefined) ?? this.apps.find(path.id);
        void sendJson(reply, `{"app":${this.views.one(app, embeds)}}`);
        return;
      }
      case 'all-below': {
        const embeds = readAppEmbeds(embed, LIST_EMBEDS);
        const texts = this.appsBelow(path.id).map((app) => this.views.one(app, embeds));
        void sendJson(reply, `{"*":[${texts.join(',')}]}`);
        return;
      }
      case 'tasks':
        void sendJson(reply, `{"tasks":[${this.views.tasks(this.apps.find(path.id))}]}`);
        return;
      case 'tasks-below': {
        const texts = this.appsBelow(path.id).map((app) => this.views.tasks(app));
        void sendJson(reply, `{"tasks":[${texts.filter((text) => text !== '').join(',')}]}`);
        return;
      }
      case 'task':
        void reply.send({ task: this.kills.findTask(this.apps.find(path.id), path.taskId) });
        return;
      case 'versions':
        void reply.send({ versions: await this.apps.listVersions(path.id) });
        return;
      case 'version': {
        const app = await this.apps.findVersion(path.id, path.version);
        void sendJson(reply, this.views.definition(app));
        return;
      }
      case 'restart':
        throw notAllowed('GET', 'POST');
      default:
        path satisfies never;
    }
  }

  @Put()
  @ApiOperation({ summary: 'Creates or changes an app, or goes back to a version' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'partialUpdate', required: false, type: Boolean })
  @ApiQuery({ name: 'strict', required: false, type: Boolean })
  async put(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const partial = readFlag(request.query as Query, 'partialUpdate', true);
    const { id } = this.onlyApp(parseAppPath(restOfPath(request)), 'PUT');
    const options = { mode: 'upsert', partial } as const;
    sendWritten(reply, await this.apps.update(id, toWriteRequest(request), options));
  }

  @Patch()
  @ApiOperation({ summary: 'Changes fields of an app that exists' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'strict', required: false, type: Boolean })
  async patch(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { id } = this.onlyApp(parseAppPath(restOfPath(request)), 'PATCH');
    const options = { mode: 'update', partial: true } as const;
    sendWritten(reply, await this.apps.update(id, toWriteRequest(request), options));
  }

  @Post()
  @ApiOperation({ summary: '{id}/restart: replaces all instances' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  async post(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parseAppPath(restOfPath(request));
    if (path.kind !== 'restart') throw notAllowed('POST', 'GET, PUT, PATCH, DELETE');
    const change = await this.apps.restart(path.id, toWriteRequest(request));
    void reply.code(200).send(describeChange(reply, change));
  }

  @Delete()
  @ApiOperation({ summary: 'Removes an app, or kills tasks below {id}/tasks' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean, description: 'true for an app' })
  @ApiQuery({ name: 'scale', required: false, type: Boolean })
  @ApiQuery({ name: 'wipe', required: false, type: Boolean })
  @ApiQuery({ name: 'host', required: false })
  async delete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parseAppPath(restOfPath(request));
    const query = request.query as Query;
    switch (path.kind) {
      case 'app': {
        const force = readFlag(query, 'force', true);
        const dryRun = readFlag(query, 'dryRun', false);
        const removed = await this.apps.remove(path.id, { force, dryRun, ...askedBy(request) });
        void reply.send(describeChange(reply, removed));
        return;
      }
      case 'tasks': {
        const app = this.apps.find(path.id);
        const tasks = this.kills.tasksOf(app, readText(query, 'host'));
        const killed = await this.kills.kill(tasks, readKillOptions(request));
        void reply.send(killBody(reply, killed, (all) => ({ tasks: all })));
        return;
      }
      case 'task': {
        const app = this.apps.find(path.id);
        const task = this.kills.findInstance(app, path.taskId);
        const killed = await this.kills.kill([task], readKillOptions(request));
        void reply.send(killBody(reply, killed, (all) => ({ task: all[0] })));
        return;
      }
      default:
        throw notAllowed('DELETE', path.kind === 'restart' ? 'POST' : 'GET');
    }
  }

  private explain(idText: string): WireWhy {
    const id = resolveAppId(idText, '/');
    const explanation = id.ok ? this.runtime.engine.view.explain(appId(id.id)) : undefined;
    if (explanation !== undefined) return toWireWhy(explanation);
    throw toApiError(missingApp(id.ok ? id.id : idText));
  }

  private findLeaving(idText: string): App | undefined {
    const id = resolveAppId(idText, '/');
    return id.ok ? this.runtime.engine.view.leavingApp(appId(id.id)) : undefined;
  }

  private appsBelow(groupText: string): readonly App[] {
    const group = resolveId(groupText, '/');
    if (!group.ok) return [];
    const { apps } = this.runtime.engine.view.root();
    return [...appsBelow(apps, group.id)].map(([, app]) => app).filter((app) => !isPod(app));
  }

  private onlyApp(path: AppPath, method: string): { readonly id: string } {
    if (path.kind === 'app') return path;
    // Such an id is refused with its reason; other paths below an app take no such method.
    if (path.kind === 'tasks' || path.kind === 'versions' || path.kind === 'restart') {
      return { id: `${path.id}/${path.kind}` };
    }
    throw notAllowed(method, 'GET');
  }
}

const notAllowed = (method: string, allowed: string): ApiError =>
  new ApiError(405, `Method ${method} is not allowed here; allowed: ${allowed}`, {
    headers: { allow: allowed },
  });

function sendWritten(reply: FastifyReply, result: WrittenAppResult): void {
  const isCreated = result.isNew && result.preview === undefined;
  if (isCreated) reply.header('location', result.app.id);
  void reply.code(isCreated ? 201 : 200).send(describeChange(reply, result));
}
