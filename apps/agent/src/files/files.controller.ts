import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiError } from '#platform';
import { AgentService } from '../agent.service.js';
import { FileFollowers } from './file-followers.js';
import { formatMode } from './format-mode.js';
import { type FileWindow, readWindow } from './read-window.js';
import { readText } from './sandbox-path.js';
import { listFolder, openFile } from './virtual-files.js';

interface FileEntry {
  readonly path: string;
  readonly nlink: number;
  readonly size: number;
  readonly mtime: number;
  readonly mode: string;
  readonly uid: string;
  readonly gid: string;
}

const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

/**
 * The files of tasks: `path` is `/frameworks/<framework id>/executors/<task id>/runs/latest/<path>`, or `<task id>/<path>`
 * or `/tasks/<task id>/<path>` while one framework only uses that id here; `/slave/log` is the agent's own log.
 */
@ApiTags('files')
@Controller('files')
export class FilesController {
  constructor(
    private readonly agent: AgentService,
    private readonly followers: FileFollowers,
  ) {}

  @Get(['browse', 'browse.json'])
  @ApiOperation({ summary: 'Lists a folder of a sandbox' })
  @ApiQuery({ name: 'path', example: '/tasks/web.1/' })
  async browse(@Query('path') path: unknown): Promise<readonly FileEntry[]> {
    const listed = await listFolder(this.agent, readPath(path));
    return listed.map((one) => ({
      path: one.path,
      nlink: one.stats.nlink,
      size: one.stats.size,
      mtime: Math.floor(one.stats.mtimeMs / 1000),
      mode: formatMode(one.stats.mode),
      uid: one.user,
      gid: one.group,
    }));
  }

  @Get(['read', 'read.json'])
  @ApiOperation({ summary: 'A piece of a file; offset -1, as without one, gives its size only' })
  @ApiQuery({ name: 'path', example: '/tasks/web.1/stdout' })
  @ApiQuery({ name: 'offset', required: false })
  @ApiQuery({ name: 'length', required: false })
  async read(
    @Query('path') path: unknown,
    @Query('offset') offset: unknown,
    @Query('length') length: unknown,
  ): Promise<FileWindow> {
    const text = readPath(path);
    const from = readNumber('offset', offset) ?? -1;
    const wanted = readNumber('length', length);
    const { file } = await openFile(this.agent, text);
    try {
      // Mesos: a length of -1 means as much as one answer may hold.
      return await readWindow(file, {
        offset: from,
        ...(wanted === undefined || wanted < 0 ? {} : { length: wanted }),
      });
    } finally {
      await file.close();
    }
  }

  @Get(['download', 'download.json'])
  @ApiOperation({ summary: 'A whole file' })
  @ApiQuery({ name: 'path', example: '/tasks/web.1/stdout' })
  async download(@Query('path') path: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { file, name } = await openFile(this.agent, readPath(path));
    reply
      .header('content-type', 'application/octet-stream')
      .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
      .send(file.createReadStream());
  }

  @Get('follow')
  @ApiOperation({ summary: 'A file as it grows, as events; offset -1 begins at its end' })
  @ApiQuery({ name: 'path', example: '/tasks/web.1/stdout' })
  @ApiQuery({ name: 'offset', required: false })
  async follow(
    @Query('path') path: unknown,
    @Query('offset') offset: unknown,
    @Headers('last-event-id') lastEventId: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const text = readPath(path);
    // What a browser sends when it connects again: the offset of the last event it has.
    const from = readNumber('Last-Event-ID', lastEventId) ?? readNumber('offset', offset) ?? 0;
    await this.followers.follow(await openFile(this.agent, text), from, reply);
  }
}

function readPath(value: unknown): string {
  const text = readText('path', value);
  if (text !== undefined) return text;
  throw new ApiError(400, 'Query parameter path is missing: <task id>/<path in the sandbox>');
}

function readNumber(name: string, given: unknown): number | undefined {
  const text = readText(name, given);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < -1 || value > MAX_OFFSET) {
    throw new ApiError(400, `${name} ${JSON.stringify(text)} is not a whole number from -1`);
  }
  return value;
}
