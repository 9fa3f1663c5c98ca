import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPod } from '#core';
import { readTaskIds, toWireTask } from '#marathon-v2';
import { AppViews } from '../apps/app-views.js';
import { sendJson } from '../http/json-reply.js';
import { acceptedOrThrow, requireBody } from '../http/outcome.js';
import { type Query, readTexts } from '../http/query.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { killBody, readKillOptions } from './kill-request.js';
import { TaskKillService } from './task-kill.service.js';

const STATES_OF: Readonly<Record<string, readonly string[]>> = {
  running: ['TASK_RUNNING'],
  staging: ['TASK_STAGING', 'TASK_STARTING'],
};

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
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const wanted = readTexts(request.query as Query, 'status').flatMap(
      (name) => (Object.hasOwn(STATES_OF, name) ? STATES_OF[name] : undefined) ?? [],
    );
    const { view } = this.runtime.engine;
    const { apps } = view.root();
    const texts: string[] = [];
    for (const id of view.appsWithInstances()) {
      const app = apps.get(id);
      if (app !== undefined && isPod(app)) continue;
      if (wanted.length === 0 && app !== undefined) texts.push(this.views.tasks(app));
      else {
        for (const instance of view.instancesOf(id)) {
          if (instance.instance.podTasks !== undefined) continue;
          const task = toWireTask(instance, app);
          if (task !== undefined && (wanted.length === 0 || wanted.includes(task.state))) {
            texts.push(JSON.stringify(task));
          }
        }
      }
    }
    reply.header('x-pacer-sequence', String(view.lastEventId()));
    void sendJson(reply, `{"tasks":[${texts.filter((text) => text !== '').join(',')}]}`);
  }

  @Post('delete')
  @ApiOperation({ summary: 'Kills tasks by id: {"ids": [...]}' })
  @ApiQuery({ name: 'scale', required: false, type: Boolean })
  @ApiQuery({ name: 'wipe', required: false, type: Boolean })
  async killAll(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = readKillOptions(request.query as Query);
    const ids = acceptedOrThrow(readTaskIds(requireBody(request.body)));
    const killed = await this.kills.kill(this.kills.findAll(ids), options);
    void reply.code(200).send(killBody(reply, killed, (tasks) => ({ tasks })));
  }
}
