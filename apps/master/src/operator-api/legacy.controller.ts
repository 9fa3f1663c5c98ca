import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '#platform';
import { MasterService } from '../master.service.js';
import { redirect } from '../v1-gate.js';
import { legacyFrameworks, legacySlaves, legacyState, legacyTasks } from './legacy-views.js';
import { snapshotMetrics } from './metrics-snapshot.js';

/** Each endpoint also under /master and with the old suffix. */
const paths = (name: string): string[] => [
  name,
  `${name}.json`,
  `master/${name}`,
  `master/${name}.json`,
];
const DEFAULT_TASK_LIMIT = 100;
const MAX_TASK_LIMIT = 10_000;

/** The JSON endpoints of old. Reads of the cluster are sent on to the leader; those of this process are not. */
@Controller()
export class LegacyController {
  constructor(@Inject(MasterService) private readonly master: MasterService) {}

  @Get(paths('version'))
  version(): object {
    return { version: this.master.apiVersion };
  }

  @Get(paths('health'))
  async health(@Res() reply: FastifyReply): Promise<void> {
    await reply.code(200).send();
  }

  @Get(paths('state'))
  async state(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.read(request, reply, () => legacyState(this.master.state, this.master.apiVersion));
  }

  @Get(paths('slaves'))
  async slaves(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.read(request, reply, () => legacySlaves(this.master.state));
  }

  @Get(paths('frameworks'))
  async frameworks(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.read(request, reply, () => legacyFrameworks(this.master.state));
  }

  @Get(paths('tasks'))
  async tasks(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query() query: Readonly<Record<string, string | undefined>>,
  ): Promise<void> {
    const limit = count(query['limit'], 'limit', DEFAULT_TASK_LIMIT, MAX_TASK_LIMIT);
    const offset = count(query['offset'], 'offset', 0, Number.MAX_SAFE_INTEGER);
    await this.read(request, reply, () => {
      const tasks = legacyTasks(this.master.state).filter(
        (task) =>
          (query['task_id'] === undefined || task.id === query['task_id']) &&
          (query['framework_id'] === undefined || task.framework_id === query['framework_id']),
      );
      if (query['order'] === 'asc') return { tasks: tasks.slice(offset, offset + limit) };
      return { tasks: [...tasks].reverse().slice(offset, offset + limit) };
    });
  }

  @Get(['redirect', 'master/redirect'])
  async redirect(@Res() reply: FastifyReply): Promise<void> {
    const standing = await this.master.settled(0);
    const own = this.master.masterInfo;
    const leader =
      standing.kind === 'standby'
        ? standing.leaderUrl
        : own && `http://${own.address.hostname}:${own.port}`;
    const answer = redirect(leader, '');
    await reply
      .code(answer.status)
      .headers({ ...answer.headers })
      .send();
  }

  @Get(['metrics/snapshot', 'master/metrics/snapshot'])
  metrics(): object {
    if (!this.master.isLeading) return { 'master/elected': 0 };
    return snapshotMetrics(this.master.state, Date.now());
  }

  private async read(
    request: FastifyRequest,
    reply: FastifyReply,
    view: () => object,
  ): Promise<void> {
    const standing = await this.master.settled(0);
    if (standing.kind === 'standby' && standing.leaderUrl !== undefined) {
      const answer = redirect(standing.leaderUrl, request.url);
      await reply
        .code(answer.status)
        .headers({ ...answer.headers })
        .send();
      return;
    }
    await reply.code(200).send(view());
  }
}

function count(text: string | undefined, name: string, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new ApiError(
      400,
      `${name} is ${JSON.stringify(text)}, not a whole number from 0 to ${max}`,
    );
  }
  return value;
}
