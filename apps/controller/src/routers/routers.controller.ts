import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { readRouterReport, toIsoTime, type WireRouterReport } from '#marathon-v2';
import { ApiError } from '#platform';
import { acceptedOrThrow, requireBody } from '../http/outcome.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';

const ROUTER_ID = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}$/;

interface KnownRouter extends WireRouterReport {
  readonly id: string;
  readonly heardAt: string;
}

/** /v2/routers, ours: what the routers have applied and drained. */
@ApiTags('routers')
@Controller('v2/routers')
export class RoutersController {
  constructor(private readonly runtime: ControllerRuntime) {}

  @Get()
  @ApiOperation({ summary: 'Routers heard of, with their last report' })
  list(): { readonly routers: readonly KnownRouter[] } {
    const routers = this.runtime.engine.view.routers().map(({ id, heardEpochMs, report }) => ({
      id,
      heardAt: toIsoTime(heardEpochMs),
      ...report,
    }));
    return { routers };
  }

  @Put(':id')
  @ApiOperation({ summary: 'A router reports what it has applied' })
  report(@Param('id') id: string, @Body() body: unknown): { readonly sequence: number } {
    if (!ROUTER_ID.test(id)) {
      throw new ApiError(
        422,
        `Router id '${id.slice(0, 60)}' must be 1 to 200 letters, digits and . _ : @ -`,
      );
    }
    const report = acceptedOrThrow(readRouterReport(requireBody(body)));
    const { engine } = this.runtime;
    engine.reportRouter(id, report);
    return { sequence: engine.view.lastEventId() };
  }
}
