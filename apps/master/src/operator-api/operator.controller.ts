import { Body, Controller, Headers, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiError } from '#platform';
import { MasterService } from '../master.service.js';
import { principalOf } from '../principal.js';
import { snapshotMetrics } from './metrics-snapshot.js';
import { answerOperatorCall } from './operator-calls.js';
import { DECISION_READS } from './operator-decisions.js';
import { viewAgents, viewFrameworks, viewState, viewTasks } from './operator-views.js';

type Read = (master: MasterService) => object;

/** Reads answer `{ type, <snake case of it>: {...} }`. */
const READS: Readonly<Record<string, Read>> = {
  GET_HEALTH: () => ({ healthy: true }),
  GET_VERSION: (master) => ({ version_info: { version: master.apiVersion } }),
  GET_MASTER: (master) => ({
    master_info: master.state.masterInfo,
    start_time: master.state.startedEpochMs / 1000,
    elected_time: master.state.startedEpochMs / 1000,
  }),
  GET_AGENTS: (master) => viewAgents(master.state),
  GET_FRAMEWORKS: (master) => viewFrameworks(master.state),
  GET_TASKS: (master) => viewTasks(master.state),
  GET_STATE: (master) => viewState(master.state),
  GET_EXECUTORS: () => ({ executors: [] }),
  GET_OPERATIONS: () => ({ operations: [] }),
  GET_METRICS: (master) => ({
    metrics: Object.entries(snapshotMetrics(master.state, Date.now())).map(([name, value]) => ({
      name,
      value,
    })),
  }),
  ...DECISION_READS,
  GET_ROLES: (master) => ({
    roles: [
      ...new Set([...master.state.frameworks.values()].flatMap((framework) => framework.roles)),
    ].map((name) => ({ name, weight: 1 })),
  }),
};

/** The v1 operator API, also under the path an old driver posts to. */
@Controller(['api/v1', 'api/v1/operator', 'master/api/v1', 'master/api/v1/operator'])
export class OperatorController {
  constructor(@Inject(MasterService) private readonly master: MasterService) {}

  @Post()
  async call(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const type = fieldOf(body, 'type');
    if (typeof type !== 'string') throw new ApiError(400, 'Expecting type to be present');
    const read = Object.hasOwn(READS, type) ? READS[type] : undefined;
    if (read !== undefined) {
      await reply.code(200).send({ type, [type.toLowerCase()]: read(this.master) });
      return;
    }
    await answerOperatorCall(this.master, reply, { body, principal: principalOf(authorization) });
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
