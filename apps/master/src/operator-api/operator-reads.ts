import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MasterService } from '../master.service.js';
import type { Document } from '../reads/read-context.js';
import { ReadsService } from '../reads/reads.service.js';
import { EventStreams } from './event-streams.js';
import { viewExplanation } from './explain-view.js';
import { MasterMetrics } from './master-metrics.js';
import { MetricsReader } from './metrics-reader.js';
import { DECISION_READS } from './operator-decisions.js';
import {
  operatorAgents,
  operatorExecutors,
  operatorFrameworks,
  operatorState,
  operatorTasks,
} from './operator-documents.js';
import { viewOperations } from './operator-views.js';
import { viewRoles } from './role-views.js';

/** The long reads of the v1 operator API. */
const DOCUMENTS: Readonly<Record<string, Document>> = {
  GET_STATE: operatorState,
  GET_TASKS: operatorTasks,
  GET_AGENTS: operatorAgents,
  GET_FRAMEWORKS: operatorFrameworks,
  GET_EXECUTORS: operatorExecutors,
};

type Read = (master: MasterService, metrics: MetricsReader) => object;

/** The short ones. */
const VALUES: Readonly<Record<string, Read>> = {
  GET_HEALTH: () => ({ healthy: true }),
  GET_VERSION: (master) => ({ version_info: { version: master.apiVersion } }),
  GET_MASTER: (master) => ({
    master_info: master.state.masterInfo,
    start_time: master.state.startedEpochMs / 1000,
    elected_time: master.state.startedEpochMs / 1000,
  }),
  GET_OPERATIONS: (master) => viewOperations(master.state),
  GET_METRICS: (_master, metrics) => ({
    metrics: Object.entries(metrics.snapshot()).map(([name, value]) => ({ name, value })),
  }),
  ...DECISION_READS,
  GET_ROLES: (master) => viewRoles(master.state),
  /** Ours, not Mesos'. */
  GET_EXPLANATION: (master) => viewExplanation(master.state),
};

/** Answers the reads of the v1 operator API, SUBSCRIBE among them: `{ type, <snake case of it>: {...} }`. */
@Injectable()
export class OperatorReads {
  constructor(
    @Inject(MasterService) private readonly master: MasterService,
    @Inject(ReadsService) private readonly reads: ReadsService,
    @Inject(MetricsReader) private readonly metrics: MetricsReader,
    @Inject(EventStreams) private readonly events: EventStreams,
    @Inject(MasterMetrics) private readonly masterMetrics: MasterMetrics,
  ) {}

  /** False: the call is no read. */
  async answer(request: FastifyRequest, reply: FastifyReply, type: string): Promise<boolean> {
    if (type === 'SUBSCRIBE') {
      await this.events.subscribe(request, reply);
      return true;
    }
    const name = type.toLowerCase();
    const document = Object.hasOwn(DOCUMENTS, type) ? DOCUMENTS[type] : undefined;
    if (document !== undefined) {
      if (type === 'GET_STATE') this.masterMetrics.timeStateRead(reply);
      const prefix = `{"type":"${type}","${name}":`;
      await this.reads.answerCall(request, reply, { document, prefix, suffix: '}' });
      return true;
    }
    const read = Object.hasOwn(VALUES, type) ? VALUES[type] : undefined;
    if (read === undefined) return false;
    await reply.code(200).send({ type, [name]: read(this.master, this.metrics) });
    return true;
  }
}
