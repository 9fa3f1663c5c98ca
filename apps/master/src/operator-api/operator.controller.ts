import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { agentId, frameworkId } from '#core';
import { ApiError } from '#platform';
import { MasterService } from '../master.service.js';
import { sendAnswer } from '../scheduler-api/scheduler.controller.js';
import { OperatorReads } from './operator-reads.js';

/** The v1 operator API, also under the path an old driver posts to. */
@Controller(['api/v1', 'api/v1/operator', 'master/api/v1', 'master/api/v1/operator'])
export class OperatorController {
  constructor(
    @Inject(MasterService) private readonly master: MasterService,
    @Inject(OperatorReads) private readonly reads: OperatorReads,
  ) {}

  @Post()
  async call(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const type = fieldOf(body, 'type');
    if (typeof type !== 'string') throw new ApiError(400, 'Expecting type to be present');
    if (await this.reads.answer(request, reply, type)) return;
    if (type === 'GET_FLAGS') {
      await reply.code(200).send({ type, get_flags: { flags: [] } });
      return;
    }
    if (type === 'TEARDOWN') {
      const id = idOf(fieldOf(body, 'teardown'), 'framework_id');
      const answer = await this.master.writableEngine.tearDownFramework(frameworkId(id));
      await sendAnswer(reply, answer.status === 202 ? { status: 200 } : answer);
      return;
    }
    if (type === 'MARK_AGENT_GONE') {
      const id = idOf(fieldOf(body, 'mark_agent_gone'), 'agent_id');
      await sendAnswer(reply, await this.master.writableEngine.markAgentGone(agentId(id)));
      return;
    }
    throw new ApiError(501, `The operator call ${type.slice(0, 100)} is not implemented`);
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

function idOf(message: unknown, field: string): string {
  const id = fieldOf(fieldOf(message, field), 'value');
  if (typeof id !== 'string' || id === '') throw new ApiError(400, `${field}.value is required`);
  return id;
}
