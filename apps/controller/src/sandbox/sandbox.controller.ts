import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, roleOf } from '#platform';
import { type Query, readText } from '../http/query.js';
import { fetchFromAgent } from './agent-files.js';
import { AgentLocator, sandboxOf } from './agent-locator.js';
import { checkReadable } from './readable-files.js';

const OPERATIONS: ReadonlySet<string> = new Set(['browse', 'read', 'download', 'follow']);

/** /v2/tasks/{taskId}/files/...: the sandbox of a task, fetched from its agent, which browsers never talk to. */
@ApiTags('sandbox')
@Controller('v2/tasks/:taskId/files')
export class SandboxController {
  constructor(private readonly agents: AgentLocator) {}

  @Get(':operation')
  @ApiOperation({ summary: 'browse, read, download or follow in the sandbox of a task' })
  @ApiQuery({ name: 'path', required: false, description: 'relative to the sandbox' })
  @ApiQuery({
    name: 'offset',
    required: false,
    description: 'read: first byte; -1 asks for the size',
  })
  @ApiQuery({ name: 'length', required: false, description: 'read: bytes at most' })
  async get(
    @Param('taskId') taskId: string,
    @Param('operation') operation: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (!OPERATIONS.has(operation)) throw new ApiError(404, 'URI not found');
    const query = request.query as Query;
    const place = this.agents.placeOfTask(taskId);
    const url = new URL(`/files/${operation}`, place.agentUrl);
    const sandbox = sandboxOf(taskId, place);
    const file = fileInside(taskId, sandbox, readText(query, 'path') ?? '');
    if (operation !== 'browse' && roleOf(request.raw) === 'read') checkReadable(file);
    url.searchParams.set('path', `/${sandbox}/${file}`);
    for (const name of ['offset', 'length']) {
      const value = readText(query, name);
      if (value !== undefined) url.searchParams.set(name, value);
    }
    // A browser that connects again says so where it was.
    const lastEventId = request.headers['last-event-id'];
    if (operation === 'follow' && typeof lastEventId === 'string' && lastEventId !== '') {
      url.searchParams.set('offset', lastEventId);
    }
    await fetchFromAgent(url, taskId, reply);
  }
}

/** The file within the sandbox. A path as `browse` lists it, with the sandbox in front, is taken too. */
function fileInside(taskId: string, sandbox: string, path: string): string {
  const relative = path.replace(/^\/+/, '');
  const listed = [sandbox, `tasks/${taskId}`, taskId].find(
    (prefix) => relative === prefix || relative.startsWith(`${prefix}/`),
  );
  return listed === undefined ? relative : relative.slice(listed.length + 1);
}
