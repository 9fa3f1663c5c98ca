import { Body, Controller, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { parseAgentCall } from '#mesos-v1';
import { parsedOrThrow } from '#platform';
import { MasterService } from '../master.service.js';
import { sendAnswer } from '../scheduler-api/scheduler.controller.js';

/** Where agents subscribe and report; the protocol is in libs/mesos-v1/src/agent-protocol.ts. */
@Controller('api/v1/agent')
export class AgentController {
  constructor(@Inject(MasterService) private readonly master: MasterService) {}

  @Post()
  async call(@Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const call = parsedOrThrow(parseAgentCall(body), 'agent call');
    if (call.type === 'SUBSCRIBE') {
      const engine = this.master.writableEngine;
      const streamId = this.master.newStreamId();
      this.master.agentStreams.admit(streamId, reply);
      engine.subscribeAgent({ streamId, subscription: call.subscribe });
      return;
    }
    // Also while the database is away: an agent that answers must not be taken for lost.
    await sendAnswer(reply, await this.master.engine.callFromAgent(call));
  }
}
