import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from '#platform';
import { AgentService } from './agent.service.js';
import type { AgentConfig } from './agent-config.js';
import { ExecController } from './exec/exec.controller.js';
import { ExecSessions } from './exec/exec-sessions.js';
import {
  ExecutorsController,
  LibprocessExecutorsController,
} from './executors/executors.controller.js';
import { FileFollowers } from './files/file-followers.js';
import { FilesController } from './files/files.controller.js';
import { OperatorController } from './operator-api/operator.controller.js';
import { ShutdownController } from './shutdown/shutdown.controller.js';
import { AgentMetrics } from './status/agent-metrics.js';
import { StatusController } from './status/status.controller.js';
import { AGENT_CONFIG, AGENT_LOGGER } from './tokens.js';

@Module({})
class AgentModule {}

/** The agent daemon's module. */
export const agentModule = (config: AgentConfig, logger: Logger): DynamicModule => ({
  module: AgentModule,
  controllers: [
    ExecController,
    ExecutorsController,
    LibprocessExecutorsController,
    FilesController,
    OperatorController,
    ShutdownController,
    StatusController,
  ],
  providers: [
    { provide: AGENT_CONFIG, useValue: config },
    { provide: AGENT_LOGGER, useValue: logger },
    AgentMetrics,
    AgentService,
    ExecSessions,
    FileFollowers,
  ],
});
