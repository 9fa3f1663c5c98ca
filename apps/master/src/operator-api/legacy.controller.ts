import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '#platform';
import { MasterService } from '../master.service.js';
import type { Document } from '../reads/read-context.js';
import { ReadsService } from '../reads/reads.service.js';
import { redirect } from '../v1-gate.js';
import { viewExplanation } from './explain-view.js';
import { legacyFrameworks, legacySlaves, legacyState } from './legacy-documents.js';
import { oneFramework, oneSlave } from './legacy-lookups.js';
import { legacyTaskPage } from './legacy-tasks.js';
import { MasterMetrics } from './master-metrics.js';
import { MetricsReader, readTimeout } from './metrics-reader.js';
import { legacyRoles } from './role-views.js';
import { legacySummary } from './summary-document.js';

/** Each endpoint also under /master and with the old suffix. */
const paths = (name: string): string[] => [
  name,
  `${name}.json`,
  `master/${name}`,
  `master/${name}.json`,
];
const DEFAULT_TASK_LIMIT = 100;
const MAX_TASK_LIMIT = 10_000;

type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The JSON endpoints of old. Reads of the cluster are sent on to the leader; those of this process are not. */
@Controller()
export class LegacyController {
  constructor(
    @Inject(MasterService) private readonly master: MasterService,
    @Inject(ReadsService) private readonly reads: ReadsService,
    @Inject(MetricsReader) private readonly metricsReader: MetricsReader,
    @Inject(MasterMetrics) private readonly metrics: MasterMetrics,
  ) {}

  @Get(paths('version'))
  async version(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.reads.answerValue(request, reply, { version: this.master.apiVersion });
  }

  @Get(paths('health'))
  async health(@Res() reply: FastifyReply): Promise<void> {
    await reply.code(200).send();
  }

  @Get(paths('state'))
  async state(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.metrics.timeStateRead(reply);
    await this.document(request, reply, legacyState);
  }

  @Get([...paths('state-summary'), 'master/state_summary', 'state_summary'])
  async summary(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.document(request, reply, legacySummary);
  }

  @Get(paths('slaves'))
  async slaves(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query() query: Parameters,
  ): Promise<void> {
    const id = single(query, 'slave_id');
    if (id === undefined) await this.document(request, reply, legacySlaves);
    else await this.value(request, reply, () => oneSlave(this.reads.model.context(), id));
  }

  @Get(paths('frameworks'))
  async frameworks(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query() query: Parameters,
  ): Promise<void> {
    const id = single(query, 'framework_id');
    if (id === undefined) await this.document(request, reply, legacyFrameworks);
    else await this.value(request, reply, () => oneFramework(this.reads.model.context(), id));
  }

  @Get(paths('tasks'))
  async tasks(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query() query: Parameters,
  ): Promise<void> {
    const limit = count(query, 'limit', DEFAULT_TASK_LIMIT, MAX_TASK_LIMIT);
    const offset = count(query, 'offset', 0, Number.MAX_SAFE_INTEGER);
    const order = single(query, 'order')?.startsWith('asc') === true ? 'asc' : 'des';
    const taskId = single(query, 'task_id');
    const frameworkId = single(query, 'framework_id');
    await this.value(request, reply, () => ({
      tasks: legacyTaskPage(this.master.state, {
        limit,
        offset,
        order,
        ...(taskId === undefined ? {} : { taskId }),
        ...(frameworkId === undefined ? {} : { frameworkId }),
      }),
    }));
  }

  @Get(paths('roles'))
  async roles(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.value(request, reply, () => legacyRoles(this.master.state));
  }

  /** Why a framework has what it has: ours, not Mesos'. */
  @Get(['explain', 'master/explain'])
  async explain(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query() query: Parameters,
  ): Promise<void> {
    const frameworkId = single(query, 'framework_id');
    const role = single(query, 'role');
    await this.value(request, reply, () =>
      viewExplanation(this.master.state, {
        ...(frameworkId === undefined ? {} : { frameworkId }),
        ...(role === undefined ? {} : { role }),
      }),
    );
  }

  @Get(['redirect', 'master/redirect'])
  async redirect(@Res() reply: FastifyReply): Promise<void> {
    const standing = await this.master.settled(0);
    const leader = standing.kind === 'standby' ? standing.leaderUrl : this.master.ownUrl;
    const answer = redirect(leader, '');
    await reply
      .code(answer.status)
      .headers({ ...answer.headers })
      .send();
  }

  @Get(['metrics/snapshot', 'master/metrics/snapshot'])
  async snapshot(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query() query: Parameters,
  ): Promise<void> {
    readTimeout(single(query, 'timeout'));
    await this.reads.answerValue(request, reply, this.metricsReader.snapshot());
  }

  private async document(
    request: FastifyRequest,
    reply: FastifyReply,
    document: Document,
  ): Promise<void> {
    if (await this.isSentOn(request, reply)) return;
    await this.reads.answerGet(request, reply, document);
  }

  private async value(
    request: FastifyRequest,
    reply: FastifyReply,
    view: () => object,
  ): Promise<void> {
    if (await this.isSentOn(request, reply)) return;
    await this.reads.answerValue(request, reply, view());
  }

  /** To the leader, when that is another. */
  private async isSentOn(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const standing = await this.master.settled(0);
    if (standing.kind !== 'standby' || standing.leaderUrl === undefined) return false;
    const answer = redirect(standing.leaderUrl, request.url);
    await reply
      .code(answer.status)
      .headers({ ...answer.headers })
      .send();
    return true;
  }
}

/** A parameter that may be given once. */
function single(query: Parameters, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new ApiError(400, `${name} is given ${value.length} times, not once`);
}

function count(query: Parameters, name: string, fallback: number, max: number): number {
  const text = single(query, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < 0 || value > max) {
    throw new ApiError(
      400,
      `${name} is ${JSON.stringify(text)}, not a whole number from 0 to ${max}`,
    );
  }
  return value;
}
