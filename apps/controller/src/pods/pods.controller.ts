import { Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiError } from '#platform';

/** /v2/pods: there are none yet. Lists are empty, so that clients that ask for them go on working. */
@ApiTags('pods')
@Controller('v2/pods')
export class PodsController {
  @Get()
  @ApiOperation({ summary: 'Always empty: pods are not supported yet' })
  list(): readonly unknown[] {
    return [];
  }

  @Get('*')
  get(@Param('*') rest: string): readonly unknown[] {
    if (rest === '::status') return [];
    throw missingPod(rest);
  }

  @Post()
  create(): never {
    throw unsupported();
  }

  @Put('*')
  update(): never {
    throw unsupported();
  }

  @Delete('*')
  remove(@Param('*') rest: string): never {
    throw missingPod(rest);
  }
}

const unsupported = (): ApiError => new ApiError(422, 'pods are not supported yet');

const missingPod = (rest: string): ApiError =>
  new ApiError(404, `Pod '/${rest.replace(/::.*$/, '')}' does not exist`);
