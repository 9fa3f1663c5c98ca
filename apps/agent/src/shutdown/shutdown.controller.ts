import { Body, Controller, HttpCode, Post, Res, UsePipes } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { createValidationPipe } from '#platform';
import { AgentService } from '../agent.service.js';
import { ShutdownDto } from './shutdown.dto.js';

/** Switches the agent off. */
@ApiTags('agent')
@Controller('pacer/v1')
export class ShutdownController {
  constructor(private readonly agent: AgentService) {}

  @Post('shutdown')
  @HttpCode(200)
  @UsePipes(createValidationPipe())
  @ApiOperation({ summary: 'End all tasks if asked to, answer, then exit' })
  async shutdown(@Body() body: ShutdownDto, @Res() reply: FastifyReply): Promise<void> {
    if (body?.killTasks === true) await this.agent.drain();
    const tasks = [...(this.agent.state?.tasks.values() ?? [])];
    const ended = tasks.filter(({ phase }) => phase.kind === 'ended');
    // The daemon stops on SIGTERM in its own order; the answer goes out first.
    const stop = () => process.kill(process.pid, 'SIGTERM');
    // Who asked may be gone by now. What was asked for holds: a drained agent that stayed would run nothing any more.
    if (reply.raw.closed) stop();
    else reply.raw.once('close', stop);
    reply.send({ tasksLeft: tasks.length - ended.length, unacknowledged: ended.length });
  }
}
