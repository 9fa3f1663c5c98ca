import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '#platform';
import { MasterService } from '../master.service.js';
import { ReadsService } from '../reads/reads.service.js';
import { EventStreams } from './event-streams.js';
import { MasterMetrics } from './master-metrics.js';
import { snapshotMetrics, systemMetrics } from './metrics-snapshot.js';

/** Takes the snapshot of metrics; of a standby, what a standby has. */
@Injectable()
export class MetricsReader {
  constructor(
    @Inject(MasterService) private readonly master: MasterService,
    @Inject(ReadsService) private readonly reads: ReadsService,
    @Inject(EventStreams) private readonly subscribers: EventStreams,
    @Inject(MasterMetrics) private readonly metrics: MasterMetrics,
  ) {}

  snapshot(): Readonly<Record<string, number>> {
    if (!this.master.isLeading) return { 'master/elected': 0, ...systemMetrics() };
    const { counters, backlog, registryBytes } = this.master.engine;
    const context = this.reads.model.context();
    context.holdings.drain();
    return snapshotMetrics({
      ...context,
      counters,
      backlog,
      registryBytes,
      stateReads: this.metrics.stateReads,
      cutOffs: this.master.cutOffs,
      subscribers: this.subscribers.size,
      nowEpochMs: Date.now(),
    });
  }
}

/** How long the caller would wait, in Mesos' notation (`5secs`). Checked, and never needed: nothing here waits. */
export function readTimeout(text: string | undefined): void {
  if (text === undefined || DURATION.test(text)) return;
  throw new ApiError(
    400,
    `timeout is ${JSON.stringify(text.slice(0, 100))}, not a duration such as 5secs`,
  );
}

const DURATION = /^\d+(?:\.\d+)?(?:ns|us|ms|secs|mins|hrs|days|weeks)$/;
