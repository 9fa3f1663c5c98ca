import { type DynamicModule, Module } from '@nestjs/common';
import { AgentController } from './agent-api/agent.controller.js';
import { MASTER_OPTIONS, type MasterOptions, MasterService } from './master.service.js';
import { EventStreams } from './operator-api/event-streams.js';
import { LegacyController } from './operator-api/legacy.controller.js';
import { MasterMetrics } from './operator-api/master-metrics.js';
import { MetricsReader } from './operator-api/metrics-reader.js';
import { OldMutationsController } from './operator-api/old-mutations.controller.js';
import { OperatorController } from './operator-api/operator.controller.js';
import { OperatorReads } from './operator-api/operator-reads.js';
import { ProcessController } from './operator-api/process.controller.js';
import { ReadsService } from './reads/reads.service.js';
import { SchedulerController } from './scheduler-api/scheduler.controller.js';

@Module({
  controllers: [
    SchedulerController,
    AgentController,
    OperatorController,
    LegacyController,
    OldMutationsController,
    ProcessController,
  ],
  providers: [
    MasterService,
    EventStreams,
    ReadsService,
    MasterMetrics,
    MetricsReader,
    OperatorReads,
  ],
})
export class MasterModule {}

/** The module with what the daemon's main function, or a test, gives it. */
export const masterModule = (options: MasterOptions): DynamicModule => ({
  module: MasterModule,
  providers: [{ provide: MASTER_OPTIONS, useValue: options }],
});
