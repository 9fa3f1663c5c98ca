import { Body, Controller, Get, Param, Put, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  type RouterReport,
  readRouterReport,
  type WireRouterStanding,
  type WireRouterStatistics,
} from '#marathon-v2';
import { ApiError } from '#platform';
import { acceptedOrThrow, requireBody, sendWarnings } from '../http/outcome.js';
import { RoutesService } from '../routes/routes.service.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';

const ROUTER_ID = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}$/;

/** Of the statistics of its backends, only /v2/routes tells. */
interface KnownRouter extends Omit<RouterReport, 'statistics'>, WireRouterStanding {
  readonly statistics?: Omit<WireRouterStatistics, 'backends'>;
}

/** /v2/routers, ours: what the routers have applied and drained. */
@ApiTags('routers')
@Controller('v2/routers')
export class RoutersController {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly routes: RoutesService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Routers heard of, with their last report' })
  list(): { readonly routers: readonly KnownRouter[] } {
    const standings = new Map(this.routes.standings().map((one) => [one.id, one]));
    const routers = this.runtime.engine.view.routers().flatMap(({ id, report }) => {
      const standing = standings.get(id);
      const { statistics, ...rest } = report;
      const { backends: _backends, ...shown } = statistics ?? {};
      return standing === undefined
        ? []
        : [
            {
              ...standing,
              ...rest,
              ...(statistics === undefined
                ? {}
                : { statistics: { ...shown, version: statistics.version } }),
            },
          ];
    });
    return { routers };
  }

  @Put(':id')
  @ApiOperation({ summary: 'A router reports what it has applied' })
  report(
    @Param('id') id: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): { readonly sequence: number } {
    if (!ROUTER_ID.test(id)) {
      throw new ApiError(
        422,
        `Router id '${id.slice(0, 60)}' must be 1 to 200 letters, digits and . _ : @ -`,
      );
    }
    const read = readRouterReport(requireBody(body));
    const report = acceptedOrThrow(read);
    if (read.ok) sendWarnings(reply, read.warnings);
    const { engine } = this.runtime;
    engine.reportRouter(id, report);
    return { sequence: engine.view.lastEventId() };
  }
}
