import { Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { deploymentId } from '#core';
import {
  toWireDeployment,
  toWireDetails,
  toWireFinishedDeployment,
  type WireDeployment,
  type WireDeploymentDetails,
} from '#marathon-v2';
import { ApiError } from '#platform';
import { readSearch } from '../apps/app-list.js';
import { askedBy } from '../changes/asked-by.js';
import { describePreview } from '../changes/describe-preview.js';
import { describeChange, resultOrThrow } from '../changes/root-writer.js';
import type { DeploymentCommand } from '../engine/controller-engine.port.js';
import { type Query, readFlag, readText } from '../http/query.js';
import { answerList } from '../lists/answer-list.js';
import { badQuery, shown } from '../lists/bad-query.js';
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
  @ApiQuery({ name: 'search', required: false, description: 'part of its id or of an app’s' })
  @ApiQuery({ name: 'limit', required: false, description: `finished ones, ${DEFAULT_HISTORY}` })
  @ApiQuery({ name: 'after', required: false, description: 'the id the page comes after' })
  @ApiQuery({ name: 'fields', required: false })
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = request.query as Query;
    const state = readText(query, 'state') ?? 'running';
    const search = readSearch(query);
    if (state === 'running') {
      const running = this.runtime.engine.view.deployments().map(toWireDeployment);
      const items = running.filter((one) => isFound(one, search));
      answerList(request, reply, { items, ...LIST });
      return;
    }
    if (state !== 'finished') {
      throw badQuery('state', `must be running or finished, not '${shown(state)}'`);
    }
    const isPaged = readPage(query, MAX_HISTORY) !== undefined;
    // All that are kept are looked through, however many of those found are shown.
    const finished = await this.runtime.store.listFinishedDeployments(
      isPaged || search !== undefined ? MAX_HISTORY : DEFAULT_HISTORY,
    );
    const found = finished.map(toWireFinishedDeployment).filter((one) => isFound(one, search));
    const items = isPaged ? found : found.slice(0, DEFAULT_HISTORY);
    // The last to end comes first, on all pages.
    answerList(request, reply, { items, ...LIST, isOrdered: true, maxPage: MAX_HISTORY });
  }

  @Get(':id')
  @ApiOperation({ summary: 'One deployment, running or ended, with its story' })
  async get(@Param('id') id: string): Promise<WireDeploymentDetails> {
    const running = this.findRunning(id);
    const deployment = running ?? (await this.findEnded(id));
    if (deployment === undefined) throw missingDeployment(id);
    const history = await this.runtime.store.loadHistory(deploymentId(id));
    return toWireDetails(deployment, history);
  }

  @Post(':id/pause')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Holds a running deployment where it is; what dies is replaced by its like',
  })
  pause(@Param('id') id: string, @Req() request: FastifyRequest): Promise<WireDeployment> {
    return this.steer(id, { kind: 'pause', ...askedBy(request) });
  }

  @Post(':id/resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Lets a paused deployment go on' })
  resume(@Param('id') id: string, @Req() request: FastifyRequest): Promise<WireDeployment> {
    return this.steer(id, { kind: 'resume', ...askedBy(request) });
  }

  @Post(':id/promote')
  @HttpCode(200)
  @ApiOperation({ summary: 'The canaries are good: the rest follows' })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  promote(@Param('id') id: string, @Req() request: FastifyRequest): Promise<WireDeployment> {
    const force = readFlag(request.query as Query, 'force', false);
    return this.steer(id, { kind: 'promote', force, ...askedBy(request) });
  }

  @Post(':id/abort')
  @HttpCode(200)
  @ApiOperation({ summary: 'Rolls a running deployment back: canaries and other new instances go' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  async abort(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const options = { force: false, ...askedBy(request) };
    if (readFlag(request.query as Query, 'dryRun', false)) {
      const preview = await this.runtime.engine.previews.ofCancellation(deploymentId(id), options);
      if (preview === undefined) throw await this.notRunning(id);
      void reply.send(describePreview(preview, []));
      return;
    }
    const outcome = await this.runtime.engine.cancelDeployment(deploymentId(id), options);
    if (outcome === undefined || outcome.kind === 'cancelled') throw await this.notRunning(id);
    void reply.send(describeChange(reply, resultOrThrow(outcome)));
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

  private async steer(id: string, command: DeploymentCommand): Promise<WireDeployment> {
    const outcome = await this.runtime.engine.steerDeployment(deploymentId(id), command);
    if (outcome.kind === 'refused') throw new ApiError(409, outcome.reason);
    const running = outcome.kind === 'done' ? this.findRunning(id) : undefined;
    if (running !== undefined) return running;
    const ended = await this.findEnded(id);
    if (outcome.kind === 'done' && ended !== undefined) return ended;
    throw await this.notRunning(id);
  }

  private findRunning(id: string): WireDeployment | undefined {
    const { view } = this.runtime.engine;
    const running = view.deployments().find(({ deployment }) => deployment.id === id);
    return running === undefined ? undefined : toWireDeployment(running);
  }

  private async findEnded(id: string): Promise<WireDeployment | undefined> {
    const stored = await this.runtime.store.loadDeployment(deploymentId(id));
    return stored === undefined ? undefined : toWireFinishedDeployment(stored);
  }

  private async notRunning(id: string): Promise<ApiError> {
    const ended = await this.findEnded(id);
    if (ended === undefined) return missingDeployment(id);
    const when = ended.finishedAt === undefined ? '' : ` at ${ended.finishedAt}`;
    return new ApiError(409, `Deployment ${id} has ended${when}: ${ended.state}`);
  }
}

/** Part of its id or of that of an app or pod it affects; case does not matter. */
const isFound = (
  { id, affectedApps, affectedPods }: WireDeployment,
  search: string | undefined,
): boolean =>
  search === undefined ||
  [id, ...affectedApps, ...affectedPods].some((one) => one.toLowerCase().includes(search));

const missingDeployment = (id: string): ApiError =>
  new ApiError(404, `DeploymentPlan ${id} does not exist`);
