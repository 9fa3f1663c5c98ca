import { Controller, Delete, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { deploymentId } from '#core';
import {
  toWireDeployment,
  toWireFinishedDeployment,
  type WireDeployment,
  type WireFinishedDeployment,
} from '#marathon-v2';
import { ApiError } from '#platform';
import { askedBy } from '../changes/asked-by.js';
import { describePreview } from '../changes/describe-preview.js';
import { describeChange, resultOrThrow } from '../changes/root-writer.js';
import { type Query, readFlag, readText } from '../http/query.js';
import { answerList } from '../lists/answer-list.js';
import { DEPLOYMENT_FIELDS } from '../lists/known-fields.js';
import { readPage } from '../lists/page.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';

const DEFAULT_HISTORY = 100;
const MAX_HISTORY = 1000;
const LIST = { idOf: ({ id }: WireDeployment) => id, fields: DEPLOYMENT_FIELDS };

/** /v2/deployments: running ones as in Marathon, and, ours, those that have ended. */
@ApiTags('deployments')
@Controller('v2/deployments')
export class DeploymentsController {
  constructor(private readonly runtime: ControllerRuntime) {}

  @Get()
  @ApiOperation({ summary: 'Running deployments, or those that have ended' })
  @ApiQuery({ name: 'state', required: false, enum: ['running', 'finished'] })
  @ApiQuery({ name: 'limit', required: false, description: `finished ones, ${DEFAULT_HISTORY}` })
  @ApiQuery({ name: 'after', required: false, description: 'the id the page comes after' })
  @ApiQuery({ name: 'fields', required: false })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = request.query as Query;
    const state = readText(query, 'state') ?? 'running';
    if (state === 'running') {
      const items = this.runtime.engine.view.deployments().map(toWireDeployment);
      answerList(request, reply, { items, ...LIST });
      return;
    }
    if (state !== 'finished') {
      throw new ApiError(400, `Query parameter state must be running or finished, not '${state}'`);
    }
    const isPaged = readPage(query, MAX_HISTORY) !== undefined;
    const finished = await this.runtime.store.listFinishedDeployments(
      isPaged ? MAX_HISTORY : DEFAULT_HISTORY,
    );
    const items = finished.map(toWireFinishedDeployment);
    // The last to end comes first, on all pages.
    answerList(request, reply, { items, ...LIST, isOrdered: true, maxPage: MAX_HISTORY });
  }

  @Get(':id')
  @ApiOperation({ summary: 'One deployment, running or ended' })
  async get(@Param('id') id: string): Promise<WireDeployment | WireFinishedDeployment> {
    const running = this.runtime.engine.view
      .deployments()
      .find(({ deployment }) => deployment.id === id);
    if (running !== undefined) return toWireDeployment(running);
    const stored = await this.runtime.store.loadDeployment(deploymentId(id));
    if (stored === undefined) throw missingDeployment(id);
    return toWireFinishedDeployment(stored);
  }

  @Delete(':id')
  @ApiOperation({ summary: 'Rolls back; with force just stops' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  async cancel(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const force = readFlag(request.query as Query, 'force', false);
    const options = { force, ...askedBy(request) };
    if (readFlag(request.query as Query, 'dryRun', false)) {
      const preview = await this.runtime.engine.previews.ofCancellation(deploymentId(id), options);
      if (preview === undefined) throw missingDeployment(id);
      void reply.send(describePreview(preview, []));
      return;
    }
    const outcome = await this.runtime.engine.cancelDeployment(deploymentId(id), options);
    if (outcome === undefined) throw missingDeployment(id);
    if (outcome.kind === 'cancelled') {
      void reply.code(202).send();
      return;
    }
    void reply.send(describeChange(reply, resultOrThrow(outcome)));
  }
}

const missingDeployment = (id: string): ApiError =>
  new ApiError(404, `DeploymentPlan ${id} does not exist`);
