import { Controller, HttpCode, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RouterService } from '../router.service.js';

/** Switches the edge off. A signal ends the router alone and leaves HAProxy serving, for the next router to adopt. */
@ApiTags('router')
@Controller('pacer/v1')
export class ShutdownController {
  constructor(private readonly router: RouterService) {}

  @Post('shutdown')
  @HttpCode(200)
  @ApiOperation({ summary: 'End HAProxy, answer, then exit' })
  async shutdown(@Res() reply: FastifyReply): Promise<void> {
    await this.router.loop.end();
    // The daemon stops on SIGTERM in its own order, once the answer is out or nobody waits for it any more.
    const stop = (): boolean => process.kill(process.pid, 'SIGTERM');
    if (reply.raw.closed) stop();
    else reply.raw.once('close', stop);
    reply.send({ haproxyPid: null });
  }
}
