import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '#platform';
import { MasterService } from '../master.service.js';
import { BodySender, MAX_TRANSFERS } from './body-sender.js';
import { type Wrapping, wrappingFor } from './jsonp.js';
import type { Document } from './read-context.js';
import { type Body, ReadModel } from './read-model.js';

/** Answers reads of documents: shared bytes, conditional, compressed when asked, paced. */
@Injectable()
export class ReadsService implements OnModuleDestroy {
  readonly model: ReadModel;
  private readonly sender: BodySender;
  private readonly compressed = new WeakMap<Body, Promise<readonly Buffer[]>>();
  /** Versions count from one in each process. */
  private readonly instance = randomUUID().slice(0, 8);

  constructor(@Inject(MasterService) master: MasterService) {
    this.sender = new BodySender({ work: () => master.revision });
    this.model = new ReadModel({
      current: () => {
        const { engine } = master;
        const { state, revision } = engine;
        return { state, revision, follow: (follower) => engine.follow(follower) };
      },
      apiVersion: master.apiVersion,
      flags: master.flags,
    });
  }

  /** A document by GET: with an ETag, 304 while nothing changed, gzip for who asks, JSONP for our own pages. */
  async answerGet(request: FastifyRequest, reply: FastifyReply, document: Document): Promise<void> {
    const wrapping = wrappingFor(jsonpOf(request), request.headers);
    const body = await this.read(document);
    const isPlain = wrapping.prefix === '';
    const isCompressed = isPlain && acceptsGzip(request.headers['accept-encoding']);
    const etag = `"${this.instance}-${body.version}${isCompressed ? '-gzip' : ''}"`;
    const headers = { etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
    if (isPlain && isListed(request.headers['if-none-match'], etag)) {
      await reply.code(304).headers(headers).send();
      return;
    }
    const chunks = isCompressed ? await this.compress(body) : body.chunks;
    this.send(request, reply, {
      chunks,
      wrapping,
      headers: isCompressed ? { ...headers, 'content-encoding': 'gzip' } : headers,
    });
  }

  /** A document in the answer of a v1 call. */
  async answerCall(
    request: FastifyRequest,
    reply: FastifyReply,
    call: { readonly document: Document; readonly prefix: string; readonly suffix: string },
  ): Promise<void> {
    const { chunks } = await this.read(call.document);
    const { prefix, suffix } = call;
    this.send(request, reply, {
      chunks,
      wrapping: { contentType: 'application/json; charset=utf-8', prefix, suffix },
      headers: {},
    });
  }

  /** A small answer that is made for this request. */
  async answerValue(request: FastifyRequest, reply: FastifyReply, value: object): Promise<void> {
    const { contentType, prefix, suffix } = wrappingFor(jsonpOf(request), request.headers);
    await reply
      .code(200)
      .type(contentType)
      .send(`${prefix}${JSON.stringify(value)}${suffix}`);
  }

  onModuleDestroy(): void {
    this.sender.close();
    this.model.close();
  }

  private async read(document: Document): Promise<Body> {
    if (this.sender.size >= MAX_TRANSFERS) {
      throw new ApiError(503, `${MAX_TRANSFERS} answers are being sent already; try again`, {
        headers: { 'retry-after': '1' },
      });
    }
    return await this.model.read(document);
  }

  private send(
    request: FastifyRequest,
    reply: FastifyReply,
    answer: {
      readonly chunks: readonly Buffer[];
      readonly wrapping: Wrapping;
      readonly headers: Readonly<Record<string, string>>;
    },
  ): void {
    const { contentType, prefix, suffix } = answer.wrapping;
    const chunks = [
      ...(prefix === '' ? [] : [Buffer.from(prefix)]),
      ...answer.chunks,
      ...(suffix === '' ? [] : [Buffer.from(suffix)]),
    ];
    reply.hijack();
    const { raw } = reply;
    raw.on('error', () => raw.destroy());
    raw.writeHead(200, {
      'content-type': contentType,
      'content-length': chunks.reduce((sum, { length }) => sum + length, 0),
      'x-content-type-options': 'nosniff',
      ...answer.headers,
    });
    if (request.method === 'HEAD') raw.end();
    else this.sender.send(raw, chunks);
  }

  /** Once for each content, by the fastest level: the threads of the pool do it. */
  private compress(body: Body): Promise<readonly Buffer[]> {
    const known = this.compressed.get(body);
    if (known !== undefined) return known;
    const made = gzipChunks(body.chunks);
    this.compressed.set(body, made);
    return made;
  }
}

async function gzipChunks(chunks: readonly Buffer[]): Promise<readonly Buffer[]> {
  const gzip = createGzip({ level: 1 });
  const out: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => out.push(chunk));
  const ended = once(gzip, 'end');
  for (const chunk of chunks) if (!gzip.write(chunk)) await once(gzip, 'drain');
  gzip.end();
  await ended;
  return out;
}

/** Asked for by name and not refused by a quality of 0. */
const acceptsGzip = (accepted: string | readonly string[] | undefined): boolean =>
  String(accepted ?? '')
    .split(',')
    .some((coding) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(coding));

/** If-None-Match compares weakly: a proxy may have marked the tag so. */
const isListed = (given: string | undefined, etag: string): boolean =>
  (given ?? '')
    .split(',')
    .some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*');

function jsonpOf(request: FastifyRequest): unknown {
  const { query } = request;
  if (typeof query !== 'object' || query === null || !('jsonp' in query)) return undefined;
  return query.jsonp;
}
