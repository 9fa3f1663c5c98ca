import type { Clock } from '#core';

/** The timers of the engine: at most one of a name for each owner. */
export class TimerTable {
  private readonly cancels = new Map<string, Map<string, () => void>>();

  constructor(private readonly clock: Clock) {}

  /** Runs `task` after `delayMs`; replaces a timer of that name. */
  set(owner: string, name: string, delayMs: number, task: () => void): void {
    this.clear(owner, name);
    const mine = this.cancels.get(owner) ?? new Map<string, () => void>();
    this.cancels.set(owner, mine);
    mine.set(
      name,
      this.clock.schedule(delayMs, () => {
        this.drop(owner, name);
        task();
      }),
    );
  }

  clear(owner: string, name: string): void {
    this.cancels.get(owner)?.get(name)?.();
    this.drop(owner, name);
  }

  clearAll(owner: string): void {
    for (const cancel of this.cancels.get(owner)?.values() ?? []) cancel();
    this.cancels.delete(owner);
  }

  close(): void {
    for (const owner of [...this.cancels.keys()]) this.clearAll(owner);
  }

  private drop(owner: string, name: string): void {
    const mine = this.cancels.get(owner);
    mine?.delete(name);
    if (mine?.size === 0) this.cancels.delete(owner);
  }
}
