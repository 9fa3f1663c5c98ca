import type { Logger } from '#platform';
import type { RouteTable } from '#routing';
import { inSlices } from '../sync/thread-slices.js';
import type { BaseConfig } from './base-config.js';
import type { EdgeFiles } from './edge-files.js';
import {
  describeCapabilities,
  type HaproxyCapabilities,
  probeCapabilities,
} from './haproxy-capabilities.js';
import type { HaproxyEdge } from './haproxy-edge.js';
import { StatisticsReader } from './statistics/statistics-reader.js';
import { type ReportedProblem, statisticsSteps } from './statistics/statistics-report.js';
import { WorkerSupervisor } from './worker-supervisor.js';

export interface EdgeWatchOptions {
  readonly files: EdgeFiles;
  readonly logger: Logger;
  readonly binary: string;
  readonly hardStopSeconds: number;
  /** Whether HAProxy is started and ended here. */
  readonly isOurs: boolean;
  readonly edge: HaproxyEdge;
  readonly base: BaseConfig | undefined;
  readonly table: () => RouteTable;
}

const PROBE_RETRY_MS = 30_000;
/** Another version may have been installed, which the next reload takes. */
const PROBE_INTERVAL_MS = 600_000;

/** Looks after the running HAProxy beside the loop that changes it: its workers, its figures, and what it can do. */
export class EdgeWatch {
  readonly reader: StatisticsReader;
  readonly supervisor: WorkerSupervisor;
  /** Undefined: not known yet. */
  capabilities: HaproxyCapabilities | undefined;
  private nextProbe: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(private readonly options: EdgeWatchOptions) {
    const { files, logger, edge, hardStopSeconds, isOurs, table } = options;
    this.reader = new StatisticsReader({ files, routes: () => table().routes });
    this.supervisor = new WorkerSupervisor({
      ...{ files, logger, hardStopSeconds },
      masterPid: () => edge.pid,
      mayEnd: isOurs,
      onDeaf: () => edge.noteDeafMaster(),
    });
  }

  start(): void {
    this.reader.start();
    this.supervisor.start();
    void this.probe();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.nextProbe);
    this.reader.stop();
    this.supervisor.stop();
  }

  /** What is wrong with HAProxy and the base configuration. */
  problems(): readonly ReportedProblem[] {
    const { edge, base } = this.options;
    return [
      ...(edge.problem === undefined ? [] : [{ cause: 'HAProxy', message: edge.problem }]),
      ...(base?.problem === undefined
        ? []
        : [{ cause: 'base configuration', message: base.problem }]),
    ];
  }

  status(): Readonly<Record<string, unknown>> {
    const { edge } = this.options;
    const { report, ended } = this.supervisor;
    return {
      problems: this.problems(),
      drift: edge.drift,
      haproxy: {
        ...(this.capabilities === undefined ? {} : describeCapabilities(this.capabilities)),
        workers: report.current,
        oldWorkers: report.old,
        memory: report.memory,
        endedWorkers: ended,
        masterReplacements: edge.masterReplacements,
      },
    };
  }

  /** For the report to the controller, as JSON in pieces. */
  statistics(problems: readonly ReportedProblem[]): Promise<readonly Buffer[]> {
    const { edge, table } = this.options;
    const steps = statisticsSteps({
      figures: this.reader.figures,
      workers: this.supervisor.report,
      edge,
      conflicts: table().conflicts,
      problems: [...problems, ...this.problems()],
    });
    return inSlices(steps);
  }

  private async probe(): Promise<void> {
    let nextMs = PROBE_INTERVAL_MS;
    try {
      this.capabilities = await probeCapabilities(this.options.binary);
    } catch {
      // Not installed, which is told where it is started. Somebody may be installing it.
      nextMs = PROBE_RETRY_MS;
    }
    if (this.isStopped) return;
    this.nextProbe = setTimeout(() => void this.probe(), nextMs).unref();
  }
}
