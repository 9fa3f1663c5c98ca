import type { FrameworkId } from '#core';
import type { FrameworkInfo } from '#mesos-v1';
import type { World } from '../world.js';
import type { LifeWatch, WatchedTurn } from './life-watch.js';

/** A framework is torn down when it or an operator says so, or when it stayed away for its time. */
export class RemovalWatch implements LifeWatch {
  private readonly lastConnectedMs = new Map<FrameworkId, number>();
  /** Deadlines are stored as times of day: a clock that was set may bring them forward. */
  private clockSetMs = Number.NEGATIVE_INFINITY;
  private offsetMs: number | undefined;

  constructor(private readonly world: World) {}

  before(state: WatchedTurn['state']): void {
    const { epochMs, monoMs } = this.world.queue.now();
    const offsetMs = epochMs - Math.floor(monoMs);
    if (this.offsetMs !== offsetMs) this.clockSetMs = monoMs;
    this.offsetMs = offsetMs;
    for (const { id, streamId } of state.frameworks.values()) {
      if (streamId !== undefined) this.lastConnectedMs.set(id, this.world.nowMs);
    }
  }

  after({ event, effects }: WatchedTurn): void {
    for (const effect of effects) {
      if (effect.kind !== 'commit-registry') continue;
      for (const change of effect.changes) {
        if (change.kind !== 'put-framework' || change.framework.state !== 'completed') continue;
        const isAsked =
          (event.kind === 'operator-call' || event.kind === 'scheduler-call') &&
          event.call.type === 'TEARDOWN';
        if (isAsked) continue;
        // The registry holds what masters put there.
        this.check(change.framework.id, change.framework.info as FrameworkInfo);
      }
    }
  }

  private check(id: FrameworkId, info: FrameworkInfo): void {
    const sinceMs = this.lastConnectedMs.get(id) ?? 0;
    if (this.clockSetMs >= sinceMs) return;
    const awayMs = this.world.nowMs - sinceMs;
    if (awayMs >= (info.failover_timeout ?? 0) * 1000 - ROUNDING_MS) return;
    this.world.violate(
      `framework ${id} is torn down after ${Math.round(awayMs)} ms; its time is ${info.failover_timeout} s`,
    );
  }
}

/** Wall clocks of processes have whole milliseconds. */
const ROUNDING_MS = 2;
