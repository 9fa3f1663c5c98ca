import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { runKeyOfTask } from '#core';
import { ApiError } from '#platform';
import { AgentService } from '../agent.service.js';
import { stillRecovering } from '../status/still-recovering.js';
import { findRun } from './find-run.js';
import { formatMode } from './format-mode.js';
import { type FileWindow, readWindow } from './read-window.js';
import {
  openInSandbox,
  parseSandboxPath,
  readText,
  resolveInSandbox,
  type SandboxPath,
  virtualPathOf,
} from './sandbox-path.js';

interface FileEntry {
  readonly path: string;
  readonly nlink: number;
  readonly size: number;
  readonly mtime: number;
  readonly mode: string;
  readonly uid: string;
  readonly gid: string;
}

/** Entries of one folder listed at most. */
const MAX_ENTRIES = 10_000;
const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

/**
 * The files of tasks: `path` is `/frameworks/<framework id>/executors/<task id>/runs/latest/<path>`, or `<task id>/<path>`
 * or `/tasks/<task id>/<path>` while one framework only uses that id here.
 */
@ApiTags('files')
@Controller('files')
export class FilesController {
  constructor(private readonly agent: AgentService) {}

  @Get('browse')
  @ApiOperation({ summary: 'Lists a folder of a sandbox' })
  @ApiQuery({ name: 'path', example: '/tasks/web.1/' })
  async browse(@Query('path') text: unknown): Promise<readonly FileEntry[]> {
    const path = parseSandboxPath(text);
    const folder = await resolveInSandbox(await this.sandboxOf(path), path);
    const names = await readdir(folder).catch((error: unknown) => {
      throw new ApiError(404, `task ${path.taskId}: ${path.inside || '/'} is not a folder`, {
        cause: error,
      });
    });
    const entries: FileEntry[] = [];
    for (const name of names.sort().slice(0, MAX_ENTRIES)) {
      const found = await lstat(join(folder, name)).catch(() => undefined);
      if (found === undefined) continue;
      entries.push({
        path: join(virtualPathOf(path), path.inside, name),
        nlink: found.nlink,
        size: found.size,
        mtime: Math.floor(found.mtimeMs / 1000),
        mode: formatMode(found.mode),
        uid: String(found.uid),
        gid: String(found.gid),
      });
    }
    return entries;
  }

  @Get('read')
  @ApiOperation({ summary: 'A piece of a file; offset -1 gives its size only' })
  @ApiQuery({ name: 'path', example: '/tasks/web.1/stdout' })
  @ApiQuery({ name: 'offset', required: false })
  @ApiQuery({ name: 'length', required: false })
  async read(
    @Query('path') text: unknown,
    @Query('offset') offset: unknown,
    @Query('length') length: unknown,
  ): Promise<FileWindow> {
    const path = parseSandboxPath(text);
    const from = readNumber('offset', offset) ?? 0;
    const wanted = readNumber('length', length);
    const file = await openInSandbox(await this.sandboxOf(path), path);
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

  @Get('download')
  @ApiOperation({ summary: 'A whole file' })
  @ApiQuery({ name: 'path', example: '/tasks/web.1/stdout' })
  async download(@Query('path') text: unknown, @Res() reply: FastifyReply): Promise<void> {
    const path = parseSandboxPath(text);
    const file = await openInSandbox(await this.sandboxOf(path), path);
    const name = encodeURIComponent(basename(path.inside));
    reply
      .header('content-type', 'application/octet-stream')
      .header('content-disposition', `attachment; filename*=UTF-8''${name}`)
      .send(file.createReadStream());
  }

  private async sandboxOf(path: SandboxPath): Promise<string> {
    const { state, sandboxes } = this.agent;
    if (state !== undefined) return sandboxes.directories(findRun(state, path)).sandbox;
    const { sandbox } = sandboxes.directories(runKeyOfTask(path.taskId));
    const isThere = path.owner === undefined && (await lstat(sandbox).catch(() => undefined));
    if (isThere) return sandbox;
    throw stillRecovering();
  }
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
