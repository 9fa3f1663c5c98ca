import { Controller, Delete, Get, Post, Put, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readInstanceIds, toWirePod, type WirePod } from '#marathon-v2';
import { ApiError } from '#platform';
import { restOfPath, toWriteRequest } from '../apps/write-request.js';
import { acceptedOrThrow, requireBody, sendWarnings } from '../http/outcome.js';
import { type Query, readFlag } from '../http/query.js';
import { type PodPath, parsePodPath } from './pod-path.js';
import { PodsService, type WrittenPod } from './pods.service.js';

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
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'strict', required: false, type: Boolean })
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const written = await this.pods.create(toWriteRequest(request));
    sendPod(reply.code(201).header('location', written.pod.id), written);
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
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'strict', required: false, type: Boolean })
  async put(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parsePodPath(restOfPath(request));
    if (path.kind !== 'pod') throw wrongPlace(path, 'PUT');
    sendPod(reply.code(200), await this.pods.put(path.id, toWriteRequest(request)));
  }

  @Delete('*')
  @ApiOperation({ summary: 'Removes a pod, or kills instances below {id}::instances' })
  @ApiParam({ name: '*', description: 'pod id, with ::instances or ::instances/{id} behind it' })
  @ApiQuery({ name: 'force', required: false, type: Boolean })
  @ApiQuery({ name: 'wipe', required: false, type: Boolean })
  async delete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const path = parsePodPath(restOfPath(request));
    const wipe = readFlag(request.query as Query, 'wipe', false);
    switch (path.kind) {
      case 'pod': {
        const change = await this.pods.remove(path.id, toWriteRequest(request));
        void reply
          .code(202)
          .header('marathon-deployment-id', change.deploymentId)
          .header('location', change.deploymentId)
          .send();
        return;
      }
      case 'instance': {
        const pod = this.pods.find(path.id);
        void reply.send(await this.pods.killOne(pod, path.instanceId, { wipe }));
        return;
      }
      case 'instances': {
        const pod = this.pods.find(path.id);
        const ids = acceptedOrThrow(readInstanceIds(requireBody(request.body)));
        void reply.send(await this.pods.kill(pod, ids, { wipe }));
        return;
      }
      default:
        throw wrongPlace(path, 'DELETE');
    }
  }
}

function sendPod(reply: FastifyReply, written: WrittenPod): void {
  reply.header('marathon-deployment-id', written.deploymentId);
  sendWarnings(reply, written.warnings);
  void reply.send(toWirePod(written.pod));
}

const wrongPlace = ({ kind }: PodPath, method: string): ApiError => {
  if (kind === 'unknown') return new ApiError(404, 'URI not found');
  return notAllowed(method, kind === 'instances' || kind === 'instance' ? 'DELETE' : 'GET');
};

const notAllowed = (method: string, allowed: string): ApiError =>
  new ApiError(405, `Method ${method} is not allowed here; allowed: ${allowed}`, {
    headers: { allow: allowed },
  });
