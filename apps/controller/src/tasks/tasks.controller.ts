import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readTaskIds } from '#marathon-v2';
import { AppViews } from '../apps/app-views.js';
import { sendJson } from '../http/json-reply.js';
import { acceptedOrThrow, requireBody } from '../http/outcome.js';
import type { Query } from '../http/query.js';
import { digestOf, isUnchanged } from '../lists/etag.js';
import { selectFields } from '../lists/fields.js';
import { describePage, MAX_PAGE } from '../lists/page.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { killBody, readKillOptions } from './kill-request.js';
import { TaskKillService } from './task-kill.service.js';
import { listTasks, readTaskListRequest } from './task-list.js';

/** /v2/tasks: tasks of all apps; those of pods are in their pod's status. */
@ApiTags('tasks')
@Controller('v2/tasks')
export class TasksController {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly views: AppViews,
    private readonly kills: TaskKillService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Tasks of all apps' })
  @ApiQuery({ name: 'status', required: false, isArray: true, enum: ['running', 'staging'] })
  @ApiQuery({ name: 'search', required: false, description: 'part of the id, the host or a label' })
  @ApiQuery({ name: 'limit', required: false, description: `a page, 1 to ${MAX_PAGE}` })
  @ApiQuery({ name: 'after', required: false, description: 'the task id the page comes after' })
  @ApiQuery({ name: 'fields', required: false, description: 'id,host,state' })
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { view } = this.runtime.engine;
    const asked = readTaskListRequest(request.query as Query);
    const { page, selection } = asked;
    reply.header('x-pacer-sequence', String(view.lastEventId()));
    const version = `${this.runtime.settings.bootId}-${view.totalChangeCounter()}-${digestOf(asked.key)}`;
    if (isUnchanged(request, reply, version)) return;
    const { tasks, total, hasMore } = listTasks(asked, { view, views: this.views });
    if (page !== undefined) {
      describePage(request, reply, { total, next: hasMore ? tasks.at(-1)?.id : undefined });
    }
    const texts = tasks.map(({ text }) =>
      selection === undefined ? text : JSON.stringify(selectFields(JSON.parse(text), selection)),
    );
    void sendJson(reply, `{"tasks":[${texts.join(',')}]}`);
  }

  @Post('delete')
  @ApiOperation({ summary: 'Kills tasks by id: {"ids": [...]}' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean, description: 'without draining' })
  @ApiQuery({ name: 'scale', required: false, type: Boolean })
  @ApiQuery({ name: 'wipe', required: false, type: Boolean })
  async killAll(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = readKillOptions(request);
    const ids = acceptedOrThrow(readTaskIds(requireBody(request.body)));
    const killed = await this.kills.kill(this.kills.findAll(ids), options);
    void reply.code(200).send(killBody(reply, killed, (tasks) => ({ tasks })));
  }
}
