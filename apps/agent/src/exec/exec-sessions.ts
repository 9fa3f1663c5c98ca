import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { WebSocketServer } from 'ws';
import type { AgentTask } from '#cluster';
import { ExecError } from '#core';
import { ApiError, isUpgrade, type Logger, principalOf, takeUpgrade } from '#platform';
import { AgentService } from '../agent.service.js';
import type { AgentConfig } from '../agent-config.js';
import { AGENT_CONFIG, AGENT_LOGGER } from '../tokens.js';
import { ExecChannel } from './exec-channel.js';
import { type ExecQuery, readExecQuery } from './exec-request.js';

/** Largest message of a client. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** The sessions that are open here, and their limits. */
@Injectable()
export class ExecSessions implements OnModuleDestroy {
  private readonly channels = new Set<ExecChannel>();
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });

  constructor(
    private readonly agent: AgentService,
    @Inject(AGENT_CONFIG) private readonly config: AgentConfig,
    @Inject(AGENT_LOGGER) private readonly logger: Logger,
  ) {}

  /** Starts the command, then answers 101: what is refused is so by an ordinary status. */
  async open(task: AgentTask, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const query = readExecQuery(request.query as Readonly<Record<string, unknown>>);
    if (!isUpgrade(request.raw)) {
      throw new ApiError(426, 'Commands are run over a WebSocket', {
        headers: { upgrade: 'websocket' },
      });
    }
    const { execSessions: limit } = this.config;
    if (this.channels.size >= limit) {
      throw new ApiError(
        503,
        `${this.channels.size} sessions are open on this agent, the limit is ${limit} (PACER_AGENT_EXEC_SESSIONS)`,
      );
    }
    // Whether the process of a custom executor runs its launcher knows.
    if (task.phase.kind !== 'running' && task.phase.kind !== 'delegated') {
      throw new ApiError(409, `task ${task.id} does not run: it is ${task.phase.kind}`);
    }
    const channel = await this.start(task, query);
    const { argv, terminal } = query.request;
    this.logger.info(
      {
        task: task.id,
        run: task.run,
        program: argv[0],
        tty: terminal !== undefined,
        principal: principalOf(request.raw),
      },
      'a session is opened',
    );
    reply.hijack();
    const upgrade = takeUpgrade(request.raw);
    if (upgrade === undefined || upgrade.socket.destroyed) {
      channel.abandon();
      return;
    }
    let isConnected = false;
    this.server.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (socket) => {
      isConnected = true;
      channel.connect(socket, query);
    });
    // It has been refused: no key, or another version.
    if (!isConnected) channel.abandon();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([...this.channels].map(async (channel) => await channel.stop()));
  }

  private async start(task: AgentTask, { request }: ExecQuery): Promise<ExecChannel> {
    const { execIdleSeconds, execTotalSeconds } = this.config;
    const channel: ExecChannel = new ExecChannel(
      { idleMs: execIdleSeconds * 1000, totalMs: execTotalSeconds * 1000 },
      () => this.channels.delete(channel),
    );
    // Counted from now on, so that many at once do not pass the limit.
    this.channels.add(channel);
    try {
      channel.hold(await this.agent.openSession(task, request, channel));
      return channel;
    } catch (error) {
      this.channels.delete(channel);
      if (!(error instanceof ExecError)) throw error;
      throw new ApiError(error.code === 'NOT_RUNNING' ? 409 : 501, error.message, { cause: error });
    }
  }
}
