import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, principalOf } from '#platform';
import { MasterService } from '../master.service.js';
import { answerOperatorCall } from './operator-calls.js';
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
    await answerOperatorCall(this.master, reply, {
      body,
      principal: principalOf(request.raw),
    });
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
