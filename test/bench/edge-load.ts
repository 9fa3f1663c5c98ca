import { type ChildProcess, fork } from 'node:child_process';
import { CLIENT_KINDS, type ClientKind } from './edge-client-kinds.js';
import type { InstanceCommand, InstanceReport } from './edge-instances.js';
import type { TrafficJob, TrafficResult } from './edge-traffic.js';
import { formatMs, percentile } from './statistics.js';

/** Load in a process of its own, which ends with this one. */
export class EdgeTraffic {
  private readonly child: ChildProcess = fork(new URL('./edge-traffic.js', import.meta.url), {
    stdio: 'inherit',
    serialization: 'advanced',
  });
  private readonly result: Promise<TrafficResult>;

  constructor(job: TrafficJob) {
    this.result = new Promise((resolve, reject) => {
      this.child.once('message', (result) => resolve(result as TrafficResult));
      this.child.once('exit', (code) => reject(new Error(`the traffic ended with ${code}`)));
    });
    this.result.catch(() => undefined);
    this.child.send(job);
  }

  /** Its result, when its time is over. */
  finish(): Promise<TrafficResult> {
    return this.result;
  }

  /** Sends no more, and gives the result. */
  stop(): Promise<TrafficResult> {
    this.child.send('stop');
    return this.result;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

export const failedOf = ({ failures }: TrafficResult): number =>
  Object.values(failures).reduce((sum, count) => sum + count, 0);

/** `3 of 1,000 failed (2 keep POST 502, ...)`. */
export function describeFailures(result: TrafficResult): string {
  const kinds = Object.entries(result.failures).map(([kind, count]) => `${count} ${kind}`);
  const detail = kinds.length === 0 ? '' : ` (${kinds.join(', ')})`;
  return `${failedOf(result)} of ${result.requests.toLocaleString('en')} failed${detail}`;
}

export function describeLatencies({ latenciesMs }: TrafficResult): string {
  const words: Readonly<Record<ClientKind, string>> = {
    keep: 'keep-alive',
    new: 'new connections',
  };
  return CLIENT_KINDS.map(
    (kind) =>
      `${words[kind]} p50 ${formatMs(percentile(latenciesMs[kind], 0.5))}, p99 ${formatMs(percentile(latenciesMs[kind], 0.99))}`,
  ).join('; ');
}

/** Instances in a process of their own, which ends with this one. */
export class EdgeInstances {
  private readonly child: ChildProcess = fork(new URL('./edge-instances.js', import.meta.url), {
    stdio: 'inherit',
  });
  private next = 0;
  private readonly ports = new Map<number, number>();
  /** Requests that were under way in instances when those were killed. */
  cutRequests = 0;

  /** Gives its port. */
  async start(handlerMs: number): Promise<number> {
    this.next += 1;
    const number = this.next;
    const report = await this.call({ kind: 'start', number, handlerMs });
    if (report.kind !== 'started') throw new Error('an instance did not start');
    this.ports.set(report.port, number);
    return report.port;
  }

  async kill(port: number): Promise<void> {
    const number = this.ports.get(port) ?? 0;
    this.ports.delete(port);
    const report = await this.call({ kind: 'kill', number });
    if (report.kind === 'killed') this.cutRequests += report.open;
  }

  end(): void {
    this.child.removeAllListeners();
    this.child.kill('SIGKILL');
  }

  private call(command: InstanceCommand): Promise<InstanceReport> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`instances ended: ${code}`));
      const onMessage = (report: InstanceReport): void => {
        if (report.number !== command.number) return;
        this.child.off('message', onMessage);
        this.child.off('exit', onExit);
        resolve(report);
      };
      this.child.on('message', onMessage);
      this.child.once('exit', onExit);
      this.child.send(command);
    });
  }
}
