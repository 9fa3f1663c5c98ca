import type { Clock, Instance, InstanceId } from '#core';

/** Waits between two requests for the same task double up to this, milliseconds. */
const MAX_RETRY_MS = 60_000;

interface PendingKill {
  readonly instance: Instance;
  attempts: number;
  /** When it was sent first. */
  sinceMonoMs: number;
  nextAtMonoMs: number;
}

export interface KillQueueSettings {
  readonly clock: Clock;
  /** Tasks asked to end and not ended yet, at most; the others wait in order. */
  readonly maxInFlight: number;
  readonly retryMs: number;
  /** `waitedMs`: for how long it has been asked by now. */
  readonly send: (instance: Instance, waitedMs: number) => void;
}

/** Asks the cluster to end tasks, and again until they have ended. */
export class KillQueue {
  private readonly pending = new Map<InstanceId, PendingKill>();
  private inFlight = 0;

  constructor(private readonly settings: KillQueueSettings) {}

  get size(): number {
    return this.pending.size;
  }

  /** Repeating it before the retry is due has no effect. */
  request(instance: Instance): void {
    if (!this.pending.has(instance.id)) {
      this.pending.set(instance.id, { instance, attempts: 0, sinceMonoMs: 0, nextAtMonoMs: 0 });
    }
    this.pump();
  }

  /** The instance is gone. */
  settle(id: InstanceId): void {
    const kill = this.pending.get(id);
    if (kill === undefined) return;
    this.pending.delete(id);
    if (kill.attempts > 0) this.inFlight -= 1;
    this.pump();
  }

  /** The connection was lost: everything is asked again at once. */
  resend(): void {
    for (const kill of this.pending.values()) kill.nextAtMonoMs = 0;
    this.pump();
  }

  /** Sends what is new or due. O(pending kills). */
  pump(): void {
    const { clock, maxInFlight, retryMs, send } = this.settings;
    const { monoMs } = clock.now();
    for (const kill of this.pending.values()) {
      if (kill.nextAtMonoMs > monoMs) continue;
      if (kill.attempts === 0) {
        if (this.inFlight >= maxInFlight) continue;
        this.inFlight += 1;
        kill.sinceMonoMs = monoMs;
      }
      kill.attempts += 1;
      kill.nextAtMonoMs = monoMs + Math.min(MAX_RETRY_MS, retryMs * 2 ** (kill.attempts - 1));
      send(kill.instance, monoMs - kill.sinceMonoMs);
    }
  }
}
