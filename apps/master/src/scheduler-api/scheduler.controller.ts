import { Body, Controller, Headers, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseSchedulerCall } from '#mesos-v1';
import { ApiError, findAcceptRefusal, parsedOrThrow, principalOf } from '#platform';
import { MasterService } from '../master.service.js';
import { actAs } from '../principal.js';

/** How long a SUBSCRIBE waits for the database to come back. */
const SUBSCRIBE_WAIT_MS = 1_000;

/** The v1 scheduler API. What comes before the body is checked by the gate. */
@Controller(['api/v1/scheduler', 'master/api/v1/scheduler'])
export class SchedulerController {
  constructor(@Inject(MasterService) private readonly master: MasterService) {}

  @Post()
  async call(
    @Body() body: unknown,
    @Headers() headers: Readonly<Record<string, string | undefined>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const principal = principalOf(request.raw);
    const call = actAs(principal, parsedOrThrow(parseSchedulerCall(body), 'scheduler call'));
    const streamId = headers['mesos-stream-id'];
    if (call.type === 'SUBSCRIBE') await this.master.writable(SUBSCRIBE_WAIT_MS);
    const engine = this.master.writableEngine;
    if (call.type === 'SUBSCRIBE') {
      const refusal = findAcceptRefusal(headers['accept']);
      if (refusal !== undefined) throw new ApiError(refusal.status, refusal.message);
      if (streamId !== undefined) {
        throw new ApiError(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header");
      }
      const id = this.master.newStreamId();
      this.master.frameworkStreams.admit(id, reply);
      engine.subscribeFramework({
        streamId: id,
        call,
        ...(principal === undefined ? {} : { principal }),
      });
      return;
    }
    const answer = await engine.callFromScheduler({
      call,
      ...(streamId === undefined ? {} : { streamId }),
      ...(principal === undefined ? {} : { principal }),
    });
    await sendAnswer(reply, answer);
  }
}

/** 202 has no body; everything else says why. */
export async function sendAnswer(
  reply: FastifyReply,
  answer: { readonly status: number; readonly message?: string },
): Promise<void> {
  reply.code(answer.status);
  await (answer.message === undefined ? reply.send() : reply.send({ message: answer.message }));
}
