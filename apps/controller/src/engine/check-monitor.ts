import { type App, type Clock, type Instance, type InstanceId, isSameValue } from '#core';
import type { WireCheckResult } from '#marathon-v2';
import type { EnginePorts } from './engine-ports.js';
import type { WatchedInstance } from './health-watch.js';
import type { ProbePool } from './probe-pool.js';
import { toProbeTarget } from './probe-target.js';
import { checkTimesOf, type DeclaredCheck } from './task-checks.js';

const MIN_INTERVAL_MS = 100;

interface Watch {
  readonly id: InstanceId;
  readonly check: DeclaredCheck;
  app: App;
  cancel?: () => void;
}

export interface CheckMonitorSettings {
  readonly clock: Clock;
  readonly pool: ProbePool;
  readonly runCommand: EnginePorts['runCommand'];
  /** The instance as it is now; undefined: it is gone. */
  readonly instanceOf: (id: InstanceId) => Instance | undefined;
  /** Undefined: nobody could say. */
  readonly onResult: (instance: Instance, result: WireCheckResult | undefined) => void;
}

/** Runs the `check` of an app, which only informs, on instances whose agents were given another one or none. */
export class CheckMonitor {
  private readonly watches = new Map<InstanceId, Watch>();

  constructor(private readonly settings: CheckMonitorSettings) {}

  /** Begins, goes over to another check, or leaves it to the agent; repeating it has no effect. */
  watch({ instance, app, launched = app }: WatchedInstance): void {
    const known = this.watches.get(instance.id);
    const check: DeclaredCheck | undefined = app.check;
    if (check === undefined || isSameValue(check, launched.check)) {
      if (known !== undefined) this.forget(instance.id);
      return;
    }
    if (known !== undefined && isSameValue(known.check, check)) {
      known.app = app;
      return;
    }
    this.forget(instance.id);
    const watch: Watch = { id: instance.id, app, check };
    this.watches.set(instance.id, watch);
    this.schedule(watch, checkTimesOf(check).delaySeconds);
  }

  forget(id: InstanceId): void {
    this.watches.get(id)?.cancel?.();
    this.watches.delete(id);
  }

  stop(): void {
    for (const id of [...this.watches.keys()]) this.forget(id);
  }

  private schedule(watch: Watch, seconds: number): void {
    const delayMs = Math.max(MIN_INTERVAL_MS, seconds * 1000);
    watch.cancel = this.settings.clock.schedule(delayMs, () => void this.run(watch));
  }

  private async run(watch: Watch): Promise<void> {
    const instance = this.settings.instanceOf(watch.id);
    const isAsked = instance?.condition === 'Running' && instance.goal === 'Running';
    const result = isAsked ? await this.ask(watch, instance) : undefined;
    if (this.watches.get(watch.id) !== watch) return;
    if (isAsked) this.settings.onResult(instance, result);
    this.schedule(watch, checkTimesOf(watch.check).intervalSeconds);
  }

  private async ask(
    { app, check }: Watch,
    instance: Instance,
  ): Promise<WireCheckResult | undefined> {
    const { pool, runCommand } = this.settings;
    const timeoutMs = Math.max(1, checkTimesOf(check).timeoutSeconds * 1000);
    const command = check.exec?.command?.shell;
    if (command !== undefined) {
      let exitCode: number | undefined;
      const run = async (limitMs: number) => {
        const ended = await runCommand?.(instance, command, limitMs);
        exitCode = ended?.exitCode;
        return ended ?? { exitCode: 1, output: '' };
      };
      await pool.probe({ kind: 'command', run }, timeoutMs);
      return exitCode === undefined ? undefined : { command: { exitCode } };
    }
    const found = toProbeTarget(app, instance, asHealthCheck(check));
    if (!found.ok) return undefined;
    const { passed, status } = await pool.probe(found.target, timeoutMs);
    if (check.tcp !== undefined) return { tcp: { succeeded: passed } };
    return status === undefined ? undefined : { http: { statusCode: status } };
  }
}

type ProbedCheck = Parameters<typeof toProbeTarget>[2];

/** Where it looks is said as a health check says it. */
function asHealthCheck({ http, tcp }: DeclaredCheck): ProbedCheck {
  const { port, portIndex } = http ?? tcp ?? {};
  return {
    protocol:
      http === undefined ? 'TCP' : http.scheme?.toLowerCase() === 'https' ? 'HTTPS' : 'HTTP',
    ...(http?.path === undefined ? {} : { path: http.path }),
    ...(port === undefined ? {} : { port }),
    ...(portIndex === undefined ? {} : { portIndex }),
  };
}
