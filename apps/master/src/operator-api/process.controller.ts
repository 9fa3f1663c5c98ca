import { basename } from 'node:path';
import { Controller, Get, Inject, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiError } from '#platform';
import { MasterService } from '../master.service.js';
import { LOG_PATH, listLogFiles, readLogFile } from './master-log.js';

/** Each endpoint also under /master and with the old suffix. */
const paths = (name: string): string[] => [
  name,
  `${name}.json`,
  `master/${name}`,
  `master/${name}.json`,
];
const MAX_WINDOW_BYTES = 64 * 1024;
const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

/** Endpoints of old about this very process, leader or not: flags, the verbosity of the log, and the log itself. */
@Controller()
export class ProcessController {
  constructor(@Inject(MasterService) private readonly master: MasterService) {}

  @Get(paths('flags'))
  flags(): object {
    return { flags: this.master.flags };
  }

  /** `?level=1&duration=10mins` as Mesos; without them, the level there is. */
  @Post('logging/toggle')
  toggleLogging(@Query('level') level: unknown, @Query('duration') duration: unknown): object {
    if (level === undefined && duration === undefined) {
      return { level: this.master.loggingLevel.level };
    }
    this.master.loggingLevel.set(wholeNumber('level', level), milliseconds(duration));
    return { level: this.master.loggingLevel.level };
  }

  @Get(['files/browse', 'files/browse.json'])
  async browse(@Query('path') path: unknown): Promise<readonly object[]> {
    return listLogFiles(this.master.logFile, pathOf(path));
  }

  /** `offset=-1` gives the size only, as pagers ask first. */
  @Get(['files/read', 'files/read.json'])
  async read(
    @Query('path') path: unknown,
    @Query('offset') offset: unknown,
    @Query('length') length: unknown,
  ): Promise<{ readonly data: string; readonly offset: number }> {
    const from = offset === undefined ? 0 : wholeNumber('offset', offset, -1);
    const wanted = length === undefined ? MAX_WINDOW_BYTES : wholeNumber('length', length, -1);
    const isSizeOnly = from < 0;
    const { size, data } = await readLogFile(this.master.logFile, {
      path: pathOf(path),
      offset: Math.max(0, from),
      length: isSizeOnly ? 0 : Math.min(wanted < 0 ? MAX_WINDOW_BYTES : wanted, MAX_WINDOW_BYTES),
    });
    if (isSizeOnly) return { data: '', offset: size };
    return { data: Buffer.from(data, 'base64').toString('utf8'), offset: from };
  }

  @Get(['files/download', 'files/download.json'])
  async download(@Query('path') path: unknown, @Res() reply: FastifyReply): Promise<void> {
    const name = pathOf(path);
    const { data } = await readLogFile(this.master.logFile, { path: name, offset: 0 });
    await reply
      .header('content-type', 'application/octet-stream')
      .header('content-disposition', `attachment; filename="${basename(LOG_PATH)}"`)
      .send(Buffer.from(data, 'base64'));
  }
}

function pathOf(given: unknown): string {
  if (typeof given !== 'string' || given === '') {
    throw new ApiError(400, `path is required; the log is ${LOG_PATH}`);
  }
  return given;
}

function wholeNumber(name: string, given: unknown, min = 0): number {
  const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : Number.NaN;
  if (Number.isInteger(value) && value >= min && value <= MAX_OFFSET) return value;
  throw new ApiError(400, `${name} is ${JSON.stringify(given)}, not a whole number from ${min}`);
}

function milliseconds(given: unknown): number {
  const [, amount, unit] =
    /^(\d+(?:\.\d+)?)(secs|mins|hrs|days)$/.exec(typeof given === 'string' ? given : '') ?? [];
  const seconds = { secs: 1, mins: 60, hrs: 3_600, days: 86_400 }[unit ?? ''];
  if (seconds === undefined) {
    throw new ApiError(400, `duration is ${JSON.stringify(given)}; it is such as 30secs or 10mins`);
  }
  return Number(amount) * seconds * 1_000;
}
