import { Body, Controller, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { agentId, frameworkId } from '#core';
import { ApiError } from '#platform';
import { MasterService } from '../master.service.js';
import { sendAnswer } from '../scheduler-api/scheduler.controller.js';
import { snapshotMetrics } from './metrics-snapshot.js';
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
  GET_FLAGS: () => ({ flags: [] }),
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
  async call(@Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    const type = fieldOf(body, 'type');
    if (typeof type !== 'string') throw new ApiError(400, 'Expecting type to be present');
    const read = Object.hasOwn(READS, type) ? READS[type] : undefined;
    if (read !== undefined) {
      await reply.code(200).send({ type, [type.toLowerCase()]: read(this.master) });
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
