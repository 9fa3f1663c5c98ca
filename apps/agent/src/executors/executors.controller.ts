import { Body, Controller, Headers, Post, Res } from '@nestjs/common';
import { ApiExcludeController, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { type ExecutorEvent, parseExecutorCall } from '#mesos-v1';
import { ApiError, findAcceptRefusal, parsedOrThrow, RecordIoStream } from '#platform';
import { AgentService } from '../agent.service.js';
import type { ExecutorStream } from '../engine/executor-streams.js';
import { stillRecovering } from '../status/still-recovering.js';

/** Bytes that may wait for one executor. One that is cut off subscribes again, and is told what it missed. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;

/** The v1 executor API. What comes before the body is checked by the gate. */
@ApiTags('executors')
@Controller('api/v1/executor')
export class ExecutorsController {
  constructor(private readonly agent: AgentService) {}

  @Post()
  @ApiOperation({ summary: 'The v1 executor API of Mesos' })
  async call(
    @Body() body: unknown,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { executors } = this.agent;
    // Whatever is asked: who is unknown yet may be known in a moment.
    if (executors === undefined) throw stillRecovering();
    const call = parsedOrThrow(parseExecutorCall(body), 'executor call');
    if (call.type === 'SUBSCRIBE') {
      const refusal = findAcceptRefusal(accept);
      if (refusal !== undefined) throw toError(refusal);
      const answer = executors.subscribe(call, () => toStream(reply));
      if (answer.kind === 'refused') throw toError(answer);
      reply.raw.once('close', answer.closed);
      return;
    }
    const answer = await executors.call(call);
    if (answer.kind === 'refused') throw toError(answer);
    await reply.code(202).send();
  }
}

/** Where executors look that go by the agent's name in libprocess. OpenAPI has no way to write such a path. */
@ApiExcludeController()
@Controller('slave(1)/api/v1/executor')
export class LibprocessExecutorsController extends ExecutorsController {}

/** Its head goes out at once; SUBSCRIBED follows when all that comes before it is written down. */
function toStream(reply: FastifyReply): ExecutorStream {
  const stream = new RecordIoStream(reply, { maxBufferedBytes: MAX_BUFFERED_BYTES });
  return {
    send: (event: ExecutorEvent) => stream.send(event),
    end: () => stream.end(),
  };
}

const toError = ({ status, message }: { readonly status: number; readonly message: string }) =>
  new ApiError(status, message, status === 503 ? { headers: { 'retry-after': '1' } } : {});
