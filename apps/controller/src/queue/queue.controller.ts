import { Controller, Delete, Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { appId } from '#core';
import { resolveAppId, toWireQueueEntry, type WireQueueEntry } from '#marathon-v2';
import { ApiError } from '#platform';
import { restOfPath } from '../apps/write-request.js';
import { type Query, readTexts } from '../http/query.js';
import { answerList } from '../lists/answer-list.js';
import { QUEUE_FIELDS } from '../lists/known-fields.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';

/** `delayReason`: our own, the failure after which launches are delayed. */
type QueueEntry = WireQueueEntry & { readonly delayReason?: string };

/** /v2/queue: what waits for offers, and why offers were not used. */
@ApiTags('queue')
@Controller('v2/queue')
export class QueueController {
  constructor(private readonly runtime: ControllerRuntime) {}

  @Get()
  @ApiOperation({ summary: 'Apps that wait to be launched' })
  @ApiQuery({ name: 'embed', required: false, enum: ['lastUnusedOffers'] })
  @ApiQuery({ name: 'limit', required: false, description: 'a page, by app id' })
  @ApiQuery({ name: 'after', required: false, description: 'the app id the page comes after' })
  @ApiQuery({ name: 'fields', required: false })
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { view } = this.runtime.engine;
    const { apps } = view.root();
    const withOffers = readTexts(request.query as Query, 'embed').includes('lastUnusedOffers');
    const queue = view.queue().flatMap((waiting) => {
      const app = apps.get(waiting.appId);
      if (app === undefined) return [];
      const failure = waiting.delayLeftMs > 0 ? view.failureOf(app.id) : undefined;
      const entry: QueueEntry = {
        ...toWireQueueEntry(waiting, app),
        ...(failure === undefined ? {} : { delayReason: `${failure.state}: ${failure.message}` }),
      };
      return withOffers ? { ...entry, lastUnusedOffers: [] } : entry;
    });
    answerList(request, reply, {
      items: queue,
      idOf: ({ app }) => String(app['id']),
      fields: QUEUE_FIELDS,
      wrap: (entries) => ({ queue: entries }),
    });
  }

  @Delete('*')
  @ApiOperation({ summary: '{app id}/delay: lets a delayed app launch at once' })
  resetDelay(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const [, idText] = /^(.*)\/delay\/?$/.exec(`/${restOfPath(request)}`) ?? [];
    if (idText === undefined) throw new ApiError(404, 'URI not found');
    const id = resolveAppId(idText, '/');
    if (!id.ok || !this.runtime.engine.resetDelay(appId(id.id))) {
      throw new ApiError(404, `Application ${id.ok ? id.id : idText} not found in tasks queue.`);
    }
    void reply.code(204).send();
  }
}
