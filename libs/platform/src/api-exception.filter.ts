import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { dropBody } from './drop-body.js';
import { toErrorReply } from './error-reply.js';
import type { Logger } from './logger.js';
import type { RouteTable } from './route-table.js';

/** The one filter of a daemon: turns what is thrown into Marathon's error shapes and logs our own faults. */
@Catch()
export class ApiExceptionFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly routes: RouteTable,
  ) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    const context = host.switchToHttp();
    const request = context.getRequest<FastifyRequest>();
    const reply = context.getResponse<FastifyReply>();
    const { method, url } = request;
    const allowed = this.routes.methodsOf(url);
    const { bodyLimit } = request.routeOptions;
    const limit = bodyLimit === undefined ? {} : { bodyLimitBytes: bodyLimit };
    const answer = toErrorReply(thrown, { method, url, allowed, ...limit });
    if (answer.isFault) this.logger.error({ err: thrown, method, url }, 'request failed');
    if (answer.headers['connection'] === 'close') await dropBody(request.raw);
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    void reply
      .code(answer.status)
      .headers(answer.headers)
      .type('application/json; charset=utf-8')
      .send(answer.body);
  }
}
