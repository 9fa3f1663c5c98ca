import type { AgentEffect } from '#cluster';
import type { ExecutorTable, RunKey } from '#core';
import { UnwrittenError } from './task-journal.port.js';

interface Lane {
  tail: Promise<void>;
  /** What was queued relies on a write that was refused for good. */
  isDropped: boolean;
}

/**
 * Carries effects out: those of one run in order, runs beside each other, and nothing of a run before what was
 * queued for the agent as a whole (its epoch above all) is done.
 */
export class EffectQueue {
  private readonly lanes = new Map<RunKey, Lane>();
  private agentTail: Promise<void> | undefined;
  private isHalted = false;

  constructor(
    private readonly executors: ExecutorTable<AgentEffect>,
    private readonly handlers: {
      /** An effect that must not fail did: the process cannot go on. */
      readonly fail: (error: unknown) => void;
      /** The run was not accepted, as the disk refuses: nothing more of what was queued for it is done. */
      readonly unwritten: (run: RunKey, problem: string) => void;
      /** The disk refuses: what is waited for may take long. */
      readonly isHeldUp: () => boolean;
    },
  ) {}

  add(effects: readonly AgentEffect[]): void {
    for (const effect of effects) {
      const isHeldUp = this.handlers.isHeldUp();
      // An executor is told now and, where what it is to kill waits here to be launched, after that.
      if (isHeldUp && isKillByExecutor(effect)) void this.carryOut(undefined, effect);
      if (isHeldUp && OVERTAKING.has(effect.kind)) {
        void this.carryOut(undefined, effect);
      } else if ('run' in effect) this.addForRuns([effect.run], effect);
      else if ('runs' in effect) this.addForRuns(effect.runs, effect);
      else this.addForAgent(effect);
    }
  }

  /** Nothing more is carried out. */
  halt(): void {
    this.isHalted = true;
  }

  /** Resolves when everything queued so far for one run is carried out. */
  async settled(run: RunKey): Promise<void> {
    await this.lanes.get(run)?.tail;
  }

  /** Resolves when everything queued so far is carried out. */
  async idle(): Promise<void> {
    await Promise.all([this.agentTail, ...[...this.lanes.values()].map(({ tail }) => tail)]);
  }

  /** In the lanes of all these runs at once: what follows in one of them waits for it. */
  private addForRuns(runs: readonly RunKey[], effect: AgentEffect): void {
    const others = 'after' in effect ? this.lanesOf(effect.after) : [];
    const before = [...this.lanesOf(runs), ...others].map(({ tail }) => tail);
    const own = before.length > 1 ? all(before) : before[0];
    const agent = this.agentTail;
    const ready = agent === undefined ? own : agent.then(() => own);
    const lanes = new Map(runs.map((run) => [run, this.laneOf(run)]));
    const tail = this.carryOut(ready, effect, lanes, others);
    for (const [run, lane] of lanes) {
      lane.tail = tail;
      void tail.then(() => {
        if (lane.tail === tail && this.lanes.get(run) === lane) this.lanes.delete(run);
      });
    }
  }

  private laneOf(run: RunKey): Lane {
    const known = this.lanes.get(run);
    const lane = known ?? { tail: Promise.resolve(), isDropped: false };
    this.lanes.set(run, lane);
    return lane;
  }

  private lanesOf(runs: readonly RunKey[] = []): readonly Lane[] {
    return runs.flatMap((run) => this.lanes.get(run) ?? []);
  }

  private addForAgent(effect: AgentEffect): void {
    const tail = this.carryOut(this.agentTail, effect);
    this.agentTail = tail;
    void tail.then(() => {
      if (this.agentTail === tail) this.agentTail = undefined;
    });
  }

  private async carryOut(
    ready: Promise<void> | undefined,
    effect: AgentEffect,
    lanes: ReadonlyMap<RunKey, Lane> = new Map(),
    others: readonly Lane[] = [],
  ): Promise<void> {
    await ready;
    if (this.isHalted || [...lanes.values(), ...others].some(({ isDropped }) => isDropped)) return;
    // The table's handler for a kind takes the effect of that kind; TypeScript cannot follow the union through the look-up.
    const execute = this.executors[effect.kind] as (effect: AgentEffect) => Promise<void>;
    try {
      await execute(effect);
    } catch (error) {
      if (this.isHalted) return;
      if (error instanceof UnwrittenError && lanes.size > 0) {
        for (const [run, lane] of lanes) {
          lane.isDropped = true;
          if (this.lanes.get(run) === lane) this.lanes.delete(run);
        }
        for (const run of lanes.keys()) this.handlers.unwritten(run, error.message);
        return;
      }
      this.halt();
      this.handlers.fail(error);
    }
  }
}

/**
 * What does not wait behind a write the disk refuses. Ending a task may be what makes room, and a kill that is forgotten
 * by a crash is asked for again; a pong only says that the agent lives.
 */
const OVERTAKING: ReadonlySet<AgentEffect['kind']> = new Set(['kill', 'send-pong']);

const isKillByExecutor = (effect: AgentEffect): boolean =>
  effect.kind === 'send-to-executor' && effect.event.type === 'KILL';

const all = async (tails: readonly (Promise<void> | undefined)[]): Promise<void> => {
  await Promise.all(tails);
};
