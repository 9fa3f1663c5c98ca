import type { AgentEffect } from '#cluster';
import type { ExecutorTable, RunKey } from '#core';
import { mergeEffects, supersessionKey } from './supersede-effects.js';
import { UnwrittenError } from './task-journal.port.js';

/** An effect that is not begun yet: what makes it outdated takes its place. */
interface Entry {
  effect: AgentEffect;
}

interface Lane {
  tail: Promise<void>;
  /** How many wait or are being carried out. */
  count: number;
  /** Those that wait and may be outdated, by what they are about. */
  readonly waiting: Map<string, Entry>;
  /** What was queued relies on a write that was refused for good. */
  isDropped: boolean;
}

/** Where an effect waits: in the lanes of its runs, after what waits in others, and among those that may be outdated. */
interface Place {
  readonly lanes?: ReadonlyMap<RunKey, Lane>;
  readonly others?: readonly Lane[];
  readonly waiting?: Map<string, Entry> | undefined;
}

/**
 * Carries effects out: those of one run in order, runs beside each other, and nothing of a run before what was
 * queued for the agent as a whole (its epoch above all) is done. While the disk refuses a write all that follows it waits,
 * for hours perhaps; what repeats takes the place of what waits already, so that a lane is bounded by what its run has to say.
 */
export class EffectQueue {
  private readonly lanes = new Map<RunKey, Lane>();
  private readonly agentWaiting = new Map<string, Entry>();
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
      // A pause waits for no write: until the old tasks have ended no master may admit the agent and launch others on it.
      const isHeldUp = this.handlers.isHeldUp();
      // An executor is told now and, where what it is to kill waits here to be launched, after that.
      if (isHeldUp && isKillByExecutor(effect)) void this.carryOut(undefined, { effect });
      if (effect.kind === 'pause-link' || (isHeldUp && OVERTAKING.has(effect.kind))) {
        void this.carryOut(undefined, { effect });
      } else if ('run' in effect) this.addForRuns([effect.run], effect);
      else if ('runs' in effect) this.addForRuns(effect.runs, effect);
      else this.addForAgent(effect);
    }
  }

  /** Nothing more is carried out. */
  halt(): void {
    this.isHalted = true;
  }

  /** Whether so much waits for one run that no more should be taken for it. */
  isFull(run: RunKey): boolean {
    return this.countOf(run) >= MAX_WAITING;
  }

  /** How many effects of one run are not carried out yet. */
  countOf(run: RunKey): number {
    return this.lanes.get(run)?.count ?? 0;
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
    const [single] = runs.length === 1 ? runs : [];
    const known = single === undefined ? undefined : this.lanes.get(single);
    if (known !== undefined && this.takePlace(known.waiting, effect)) return;
    if (single !== undefined && isMessage(effect) && this.isFull(single)) return;
    const others = 'after' in effect ? this.lanesOf(effect.after) : [];
    const before = [...this.lanesOf(runs), ...others].map(({ tail }) => tail);
    const own = before.length > 1 ? all(before) : before[0];
    const agent = this.agentTail;
    const ready = agent === undefined ? own : agent.then(() => own);
    const lanes = new Map(runs.map((run) => [run, this.laneOf(run)]));
    const waiting = single === undefined ? undefined : lanes.get(single)?.waiting;
    const entry = waiting === undefined ? { effect } : toEntry(waiting, effect);
    for (const lane of lanes.values()) lane.count += 1;
    const tail = this.carryOut(ready, entry, { lanes, others, waiting });
    for (const [run, lane] of lanes) {
      lane.tail = tail;
      void tail.then(() => {
        lane.count -= 1;
        if (lane.tail === tail && this.lanes.get(run) === lane) this.lanes.delete(run);
      });
    }
  }

  private laneOf(run: RunKey): Lane {
    const known = this.lanes.get(run);
    const lane: Lane = known ?? {
      ...{ tail: Promise.resolve(), isDropped: false, count: 0, waiting: new Map() },
    };
    this.lanes.set(run, lane);
    return lane;
  }

  /** Whether one that waits stands for this effect too, from now on. Else all are carried out: it will not take long. */
  private takePlace(waiting: ReadonlyMap<string, Entry>, effect: AgentEffect): boolean {
    const key = this.handlers.isHeldUp() ? supersessionKey(effect) : undefined;
    const entry = key === undefined ? undefined : waiting.get(key);
    const merged = entry && mergeEffects(entry.effect, effect);
    if (entry === undefined || merged === undefined) return false;
    entry.effect = merged;
    return true;
  }

  private lanesOf(runs: readonly RunKey[] = []): readonly Lane[] {
    return runs.flatMap((run) => this.lanes.get(run) ?? []);
  }

  private addForAgent(effect: AgentEffect): void {
    if (this.takePlace(this.agentWaiting, effect)) return;
    const tail = this.carryOut(this.agentTail, toEntry(this.agentWaiting, effect), {
      waiting: this.agentWaiting,
    });
    this.agentTail = tail;
    void tail.then(() => {
      if (this.agentTail === tail) this.agentTail = undefined;
    });
  }

  private async carryOut(
    ready: Promise<void> | undefined,
    entry: Entry,
    { lanes = new Map(), others = [], waiting }: Place = {},
  ): Promise<void> {
    await ready;
    const { effect } = entry;
    if (waiting !== undefined) forget(waiting, entry);
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

/** Effects of one run that may wait before its executor is answered 503; more than all that a run itself has to say. */
export const MAX_WAITING = 512;

function toEntry(waiting: Map<string, Entry>, effect: AgentEffect): Entry {
  const entry: Entry = { effect };
  const key = supersessionKey(effect);
  if (key !== undefined) waiting.set(key, entry);
  return entry;
}

/** It is being carried out: nothing can take its place any more. */
function forget(waiting: Map<string, Entry>, entry: Entry): void {
  const key = supersessionKey(entry.effect);
  if (key !== undefined && waiting.get(key) === entry) waiting.delete(key);
}

/**
 * What does not wait behind a write the disk refuses. Ending a task may be what makes room, and a kill that is forgotten
 * by a crash is asked for again; a pong only says that the agent lives, and a line of the log relies on nothing.
 */
const OVERTAKING: ReadonlySet<AgentEffect['kind']> = new Set(['kill', 'send-pong', 'log']);

/** From its framework to an executor: best effort. */
const isMessage = (effect: AgentEffect): boolean =>
  effect.kind === 'send-to-executor' && effect.event.type === 'MESSAGE';

const isKillByExecutor = (effect: AgentEffect): boolean =>
  effect.kind === 'send-to-executor' && effect.event.type === 'KILL';

const all = async (tails: readonly (Promise<void> | undefined)[]): Promise<void> => {
  await Promise.all(tails);
};
