import type { AgentEffect } from '#cluster';
import type { ExecutorTable, RunKey } from '#core';

/**
 * Carries effects out: those of one run in order, runs beside each other, and nothing of a run before what was
 * queued for the agent as a whole (its epoch above all) is done.
 */
export class EffectQueue {
  private readonly tails = new Map<RunKey, Promise<void>>();
  private agentTail: Promise<void> | undefined;
  private isHalted = false;

  constructor(
    private readonly executors: ExecutorTable<AgentEffect>,
    /** An effect that must not fail did: the process cannot go on. */
    private readonly fail: (error: unknown) => void,
  ) {}

  add(effects: readonly AgentEffect[]): void {
    for (const effect of effects) {
      if ('run' in effect) this.addForRun(effect.run, effect);
      else this.addForAgent(effect);
    }
  }

  /** Nothing more is carried out. */
  halt(): void {
    this.isHalted = true;
  }

  /** Resolves when everything queued so far is carried out. */
  async idle(): Promise<void> {
    await Promise.all([this.agentTail, ...this.tails.values()]);
  }

  private addForRun(key: RunKey, effect: AgentEffect): void {
    const before = this.tails.get(key);
    const agent = this.agentTail;
    const ready = agent === undefined ? before : agent.then(() => before);
    const tail = this.carryOut(ready, effect);
    this.tails.set(key, tail);
    void tail.then(() => {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    });
  }

  private addForAgent(effect: AgentEffect): void {
    const tail = this.carryOut(this.agentTail, effect);
    this.agentTail = tail;
    void tail.then(() => {
      if (this.agentTail === tail) this.agentTail = undefined;
    });
  }

  private async carryOut(ready: Promise<void> | undefined, effect: AgentEffect): Promise<void> {
    await ready;
    if (this.isHalted) return;
    // The table's handler for a kind takes the effect of that kind; TypeScript cannot follow the union through the look-up.
    const execute = this.executors[effect.kind] as (effect: AgentEffect) => Promise<void>;
    try {
      await execute(effect);
    } catch (error) {
      this.halt();
      this.fail(error);
    }
  }
}
