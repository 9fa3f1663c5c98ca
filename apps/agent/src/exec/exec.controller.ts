import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AgentTask } from '#cluster';
import { ApiError } from '#platform';
import { AgentService } from '../agent.service.js';
import { findRun } from '../files/find-run.js';
import { stillRecovering } from '../status/still-recovering.js';
import { ExecSessions } from './exec-sessions.js';

/** A command in a running task, over a WebSocket. */
@ApiTags('exec')
@ApiQuery({ name: 'command', isArray: true, description: 'one for each argument' })
@ApiQuery({ name: 'stdin', required: false, type: Boolean })
@ApiQuery({ name: 'tty', required: false, type: Boolean })
@ApiQuery({ name: 'columns', required: false })
@ApiQuery({ name: 'rows', required: false })
@ApiQuery({ name: 'term', required: false, example: 'xterm-256color' })
@Controller()
export class ExecController {
  constructor(
    private readonly agent: AgentService,
    private readonly sessions: ExecSessions,
  ) {}

  @Get('tasks/:taskId/exec')
  @ApiOperation({ summary: 'WebSocket: a command in a task whose id one framework only uses here' })
  async inTask(
    @Param('taskId') taskId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.sessions.open(this.findTask({ taskId }), request, reply);
  }

  @Get('frameworks/:frameworkId/executors/:taskId/runs/:run/exec')
  @ApiOperation({ summary: 'WebSocket: a command in a run of a task, `latest` for the newest' })
  async inRun(
    @Param() given: { readonly frameworkId: string; readonly taskId: string; readonly run: string },
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { taskId, ...owner } = given;
    await this.sessions.open(this.findTask({ taskId, owner }), request, reply);
  }

  private findTask(named: {
    readonly taskId: string;
    readonly owner?: { readonly frameworkId: string; readonly run: string };
  }): AgentTask {
    const { state } = this.agent;
    if (state === undefined) throw stillRecovering();
    const run = findRun(state, { ...named, inside: '' });
    const task = state.tasks.get(run);
    if (task !== undefined) return task;
    // A task of a custom executor is part of its process.
    for (const member of state.executors.get(run)?.tasks ?? []) {
      const mine = state.tasks.get(member);
      if (mine?.id === named.taskId) return mine;
    }
    throw new ApiError(404, `task ${named.taskId} does not run here`);
  }
}
