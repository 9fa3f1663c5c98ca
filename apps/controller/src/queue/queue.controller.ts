import { Controller, Delete, Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AppId, appId } from '#core';
import {
  resolveAppId,
  toWireQueueEntry,
  type WireQueueEntry,
  type WireUnusedOffer,
  type WireWhy,
} from '#marathon-v2';
import { ApiError } from '#platform';
import { isFoundBy, readSearch } from '../apps/app-list.js';
import { restOfPath } from '../apps/write-request.js';
import { MAX_EXPLAINED_AGENTS } from '../engine/app-explanation.port.js';
import { type Query, readTexts } from '../http/query.js';
import { answerList } from '../lists/answer-list.js';
import { QUEUE_FIELDS } from '../lists/known-fields.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { toWireUnusedOffer, toWireWhy } from './why-views.js';

/** Our own: the failure after which launches are delayed, or what the app has to wait for, and with `embed=why` why it waits. */
type QueueEntry = WireQueueEntry & {
  readonly delayReason?: string;
  readonly lastUnusedOffers?: readonly WireUnusedOffer[];
  readonly why?: WireWhy;
};

/** Unused offers of one app, and of all in one answer. */
const MAX_UNUSED_PER_APP = 100;
const MAX_UNUSED = 2_000;
/** Apps explained in one list, those that wait longest, and agents looked at for all of them. */
const MAX_EXPLAINED_APPS = 50;
const MAX_LOOKS = 2_000;

/** /v2/queue: what waits for offers, and why offers were not used. */
@ApiTags('queue')
@Controller('v2/queue')
export class QueueController {
  constructor(private readonly runtime: ControllerRuntime) {}

  @Get()
  @ApiOperation({ summary: 'Apps and pods that wait to be launched' })
  @ApiQuery({ name: 'embed', required: false, enum: ['lastUnusedOffers', 'why'], isArray: true })
  @ApiQuery({ name: 'search', required: false, description: 'part of the id or of a label' })
  @ApiQuery({ name: 'limit', required: false, description: 'a page, by app id' })
  @ApiQuery({ name: 'after', required: false, description: 'the app id the page comes after' })
  @ApiQuery({ name: 'fields', required: false })
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { view } = this.runtime.engine;
    const { apps } = view.root();
    const embed = readTexts(request.query as Query, 'embed');
    const search = readSearch(request.query as Query);
    const isFound = ({ appId: id }: { readonly appId: AppId }): boolean => {
      const app = apps.get(id);
      return search === undefined || (app !== undefined && isFoundBy(app, search));
    };
    const waitingApps = view.queue().filter(isFound);
    const withOffers = embed.includes('lastUnusedOffers');
    const offersEach = shareOf(MAX_UNUSED, waitingApps.length, MAX_UNUSED_PER_APP);
    const explained = new Set(
      embed.includes('why')
        ? waitingApps.slice(0, MAX_EXPLAINED_APPS).map(({ appId }) => appId)
        : [],
    );
    const maxAgents = shareOf(MAX_LOOKS, explained.size, MAX_EXPLAINED_AGENTS);
    const queue = waitingApps.flatMap((waiting) => {
      const app = apps.get(waiting.appId);
      if (app === undefined) return [];
      const failure = waiting.delayLeftMs > 0 ? view.failureOf(app.id) : undefined;
      const offers = withOffers ? view.unusedOffers(app.id, offersEach) : undefined;
      const why = explained.has(app.id) ? view.explain(app.id, { maxAgents }) : undefined;
      const entry: QueueEntry = {
        ...toWireQueueEntry(waiting, app),
        ...(waiting.heldBy === undefined ? {} : { delayReason: waiting.heldBy }),
        ...(failure === undefined ? {} : { delayReason: `${failure.state}: ${failure.message}` }),
        ...(offers === undefined ? {} : { lastUnusedOffers: offers.map(toWireUnusedOffer) }),
        ...(why === undefined ? {} : { why: toWireWhy(why) }),
      };
      return entry;
    });
    answerList(request, reply, {
      items: queue,
      idOf: ({ app, pod }) => String((app ?? pod)?.['id']),
      fields: QUEUE_FIELDS,
      isByApp: true,
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

/** An equal part of what one answer may take, at least 1. */
const shareOf = (whole: number, parts: number, limit: number): number =>
  Math.min(limit, Math.max(1, Math.floor(whole / Math.max(1, parts))));
