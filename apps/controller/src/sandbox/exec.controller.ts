import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, authorizationHeader, isUpgrade } from '#platform';
import { tunnelUpgrade } from '../http/tunnel-upgrade.js';
import { byScheme, unreachable } from './agent-files.js';
import { AgentLocator, sandboxOf } from './agent-locator.js';

/** /v2/tasks/{taskId}/exec: a command in a task, whose agent browsers and terminals never talk to. */
@ApiTags('sandbox')
@Controller('v2/tasks/:taskId/exec')
export class ExecController {
  constructor(private readonly agents: AgentLocator) {}

  @Get()
  @ApiOperation({ summary: 'WebSocket: runs a command in a task' })
  @ApiQuery({ name: 'command', isArray: true, description: 'one for each argument' })
  @ApiQuery({ name: 'stdin', required: false, type: Boolean })
  @ApiQuery({ name: 'tty', required: false, type: Boolean })
  @ApiQuery({ name: 'columns', required: false })
  @ApiQuery({ name: 'rows', required: false })
  @ApiQuery({ name: 'term', required: false })
  async open(
    @Param('taskId') taskId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const place = this.agents.placeOfTask(taskId);
    if (!isUpgrade(request.raw)) {
      throw new ApiError(426, 'Commands are run over a WebSocket', {
        headers: { upgrade: 'websocket' },
      });
    }
    const sandbox = sandboxOf(taskId, place).split('/').map(encodeURIComponent).join('/');
    const url = new URL(`/${sandbox}/exec`, place.agentUrl);
    url.search = new URL(request.raw.url ?? '', place.agentUrl).search;
    try {
      const headers = authorizationHeader('operator');
      await byScheme(url, (one) => tunnelUpgrade(request, reply, { url: one, headers }));
    } catch (error) {
      throw unreachable(url, taskId, error);
    }
  }
}
