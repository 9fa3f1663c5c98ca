import {
  type App,
  type AppId,
  type Clock,
  type Instance,
  type InstanceId,
  isSameValue,
  type ReadinessCheck,
} from '#core';
import { type Readiness } from '#deployment';
import type { WireReadinessResult } from '#marathon-v2';
import type { ProbePool } from './probe-pool.js';
import { toReadinessTarget } from './probe-target.js';

const MIN_INTERVAL_MS = 100;
/** What a query that failed counts as. */
const GATEWAY_TIMEOUT = 504;
/** Characters of a response kept for display. */
const MAX_BODY = 4_096;

interface Watch {
  readonly instance: Instance;
  readonly app: App;
  readonly check: ReadinessCheck;
  result?: WireReadinessResult;
  cancel?: () => void;
}

export interface ReadinessMonitorSettings {
  readonly clock: Clock;
  readonly pool: ProbePool;
  /** The result of an instance changed. */
  readonly onChange: (instance: Instance) => void;
}

/** Asks instances that take part in a deployment whether they are ready, until they are. */
export class ReadinessMonitor {
  private readonly watches = new Map<InstanceId, Watch>();

  constructor(private readonly settings: ReadinessMonitorSettings) {}

  /** Asks at once and then at the interval of the check; a second call with the same check has no effect. */
  watch(instance: Instance, app: App, check: ReadinessCheck): void {
    const known = this.watches.get(instance.id);
    if (known !== undefined && isSameValue(known.check, check)) return;
    this.forget(instance.id);
    const watch: Watch = { instance, app, check };
    this.watches.set(instance.id, watch);
    void this.ask(watch);
  }

  forget(id: InstanceId): void {
    this.watches.get(id)?.cancel?.();
    this.watches.delete(id);
  }

  stop(): void {
    for (const id of [...this.watches.keys()]) this.forget(id);
  }

  verdictOf(id: InstanceId): Readiness {
    const result = this.watches.get(id)?.result;
    if (result === undefined) return 'unknown';
    return result.ready ? 'ready' : 'not-ready';
  }

  resultsOf(app: AppId, instances: Iterable<InstanceId>): readonly WireReadinessResult[] {
    const results: WireReadinessResult[] = [];
    for (const id of instances) {
      const watch = this.watches.get(id);
      if (watch?.instance.appId === app && watch.result !== undefined) results.push(watch.result);
    }
    return results;
  }

  private async ask(watch: Watch): Promise<void> {
    const { check, instance } = watch;
    const result = await this.query(watch);
    if (this.watches.get(instance.id) !== watch) return;
    const isNews =
      watch.result?.ready !== result.ready ||
      watch.result.lastResponse?.status !== result.lastResponse?.status;
    watch.result = result;
    if (isNews) this.settings.onChange(instance);
    if (result.ready) return;
    const intervalMs = Math.max(MIN_INTERVAL_MS, check.intervalSeconds * 1000);
    watch.cancel = this.settings.clock.schedule(intervalMs, () => void this.ask(watch));
  }

  private async query({ app, instance, check }: Watch): Promise<WireReadinessResult> {
    const found = toReadinessTarget(app, instance, check);
    const base = { name: check.name, taskId: instance.taskId };
    if (!found.ok)
      return { ...base, ready: false, ...response(check, GATEWAY_TIMEOUT, found.reason) };
    const probed = await this.settings.pool.probe(found.target, check.timeoutSeconds * 1000);
    const status = probed.status ?? GATEWAY_TIMEOUT;
    const ready = check.httpStatusCodesForReady.includes(status);
    return { ...base, ready, ...response(check, status, probed.body ?? probed.detail) };
  }
}

const response = (
  check: ReadinessCheck,
  status: number,
  body: string,
): Pick<WireReadinessResult, 'lastResponse'> =>
  check.preserveLastResponse
    ? { lastResponse: { status, contentType: 'text/plain', body: body.slice(0, MAX_BODY) } }
    : {};
