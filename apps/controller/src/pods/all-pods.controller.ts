import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { toWirePodStatus } from '#marathon-v2';
import { PodsService } from './pods.service.js';

/** `/v2/pods::status`, which is no path below `/v2/pods`. A route writes a colon as two. */
@ApiTags('pods')
@Controller()
export class AllPodsController {
  constructor(private readonly pods: PodsService) {}

  @Get('v2/pods::::status')
  @ApiOperation({ summary: 'The status of all pods, as /v2/pods/::status' })
  status(): readonly ReturnType<typeof toWirePodStatus>[] {
    return this.pods.list().map((pod) => this.pods.status(pod));
  }
}
