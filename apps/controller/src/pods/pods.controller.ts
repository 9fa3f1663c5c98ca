import { Controller, Delete, Get, Post, Put, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readInstanceIds, toWirePod, type WirePod, type WirePodInstance } from '#marathon-v2';
import { ApiError } from '#platform';
import { restOfPath, toWriteRequest } from '../apps/write-request.js';
import { describePreview } from '../changes/describe-preview.js';
import { describeChange } from '../changes/root-writer.js';
import { acceptedOrThrow, requireBody, sendWarnings } from '../http/outcome.js';
import { readKillOptions } from '../tasks/kill-request.js';
import { type PodPath, parsePodPath } from './pod-path.js';
import { type KilledInstances, PodsService, type WrittenPod } from './pods.service.js';

/** /v2/pods: several containers that are launched and ended together. HEAD says that there can be some. */
@ApiTags('pods')
@Controller('v2/pods')
export class PodsController {
  constructor(private readonly pods: PodsService) {}

  @Get()
  @ApiOperation({ summary: 'Lists pods' })
  list(): readonly WirePod[] {
    return this.pods.list().map(toWirePod);
  }

  @Post()
  @ApiOperation({ summary: 'Creates a pod' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'strict', required: false, type: Boolean })
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const written = await this.pods.create(toWriteRequest(request));
    if (written.preview === undefined) reply.code(201).header('location', written.pod.id);
    sendPod(reply, written);
  }

  @Get('*')
  @ApiOperation({ summary: 'A pod; {id}::status, {id}::versions, ::status of all' })
  @ApiParam({ name: '*', description: 'pod id, with ::status or ::versions behind it' })
  async get(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parsePodPath(restOfPath(request));
    switch (path.kind) {
      case 'pod':
        void reply.send(toWirePod(this.pods.find(path.id)));
        return;
      case 'all-status':
        void reply.send(this.pods.list().map((pod) => this.pods.status(pod)));
        return;
      case 'status':
        void reply.send(this.pods.status(this.pods.find(path.id)));
        return;
      case 'versions':
        void reply.send(await this.pods.listVersions(path.id));
        return;
      case 'version':
        void reply.send(toWirePod(await this.pods.findVersion(path.id, path.version)));
        return;
      case 'instances':
      case 'instance':
        throw notAllowed('GET', 'DELETE');
      case 'unknown':
        throw new ApiError(404, 'URI not found');
      default:
        path satisfies never;
    }
  }

  @Put('*')
  @ApiOperation({ summary: 'Creates a pod or replaces its definition' })
  @ApiParam({ name: '*', description: 'pod id, the same as in the body' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'strict', required: false, type: Boolean })
  async put(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parsePodPath(restOfPath(request));
    if (path.kind !== 'pod') throw wrongPlace(path, 'PUT');
    sendPod(reply, await this.pods.put(path.id, toWriteRequest(request)));
  }

  @Delete('*')
  @ApiOperation({ summary: 'Removes a pod, or kills instances below {id}::instances' })
  @ApiParam({ name: '*', description: 'pod id, with ::instances or ::instances/{id} behind it' })
  @ApiQuery({ name: 'dryRun', required: false, type: Boolean })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'wipe', required: false, type: Boolean })
  async delete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parsePodPath(restOfPath(request));
    switch (path.kind) {
      case 'pod': {
        const change = await this.pods.remove(path.id, toWriteRequest(request));
        if (change.preview !== undefined) {
          void reply.send(describeChange(reply, change));
          return;
        }
        void reply
          .code(202)
          .header('marathon-deployment-id', change.deploymentId)
          .header('location', change.deploymentId)
          .send();
        return;
      }
      case 'instance': {
        const pod = this.pods.find(path.id);
        const options = readKillOptions(request);
        sendKilled(reply, await this.pods.killOne(pod, path.instanceId, options), ([one]) => one);
        return;
      }
      case 'instances': {
        const pod = this.pods.find(path.id);
        const ids = acceptedOrThrow(readInstanceIds(requireBody(request.body)));
        const options = readKillOptions(request);
        sendKilled(reply, await this.pods.kill(pod, ids, options), (all) => all);
        return;
      }
      default:
        throw wrongPlace(path, 'DELETE');
    }
  }
}

function sendPod(reply: FastifyReply, written: WrittenPod): void {
  if (written.preview !== undefined) {
    void reply.send(describeChange(reply, written));
    return;
  }
  reply.header('marathon-deployment-id', written.deploymentId);
  sendWarnings(reply, written.warnings);
  void reply.send(toWirePod(written.pod));
}

function sendKilled(
  reply: FastifyReply,
  killed: KilledInstances,
  describe: (instances: readonly WirePodInstance[]) => unknown,
): void {
  void reply.send(
    killed.kind === 'previewed' ? describePreview(killed.preview, []) : describe(killed.instances),
  );
}

const wrongPlace = ({ kind }: PodPath, method: string): ApiError => {
  if (kind === 'unknown') return new ApiError(404, 'URI not found');
  return notAllowed(method, kind === 'instances' || kind === 'instance' ? 'DELETE' : 'GET');
};

const notAllowed = (method: string, allowed: string): ApiError =>
  new ApiError(405, `Method ${method} is not allowed here; allowed: ${allowed}`, {
    headers: { allow: allowed },
  });
