import type { MasterEffect, MasterEvent, MasterState, reduceMaster } from '#cluster';
import type { MasterLink } from '../../../apps/agent/src/engine/master-link.port.js';
import type { AgentMutant, MasterMutant } from '../mutants.js';
import type { SimulatedProcess } from '../simulated-process.js';
import type { FrameworkStore } from './framework-store.js';

export type Reduce = typeof reduceMaster;

/** A deliberate bug of a master, an agent or a framework. The simulation has to find it, or its silence means nothing. */
export interface CoreMutant extends AgentMutant, MasterMutant {
  /** The reducer of one life of a master. */
  readonly wrapReduce?: (reduce: Reduce) => Reduce;
  readonly wrapLink?: (link: MasterLink, process: SimulatedProcess) => MasterLink;
  readonly wrapFrameworkStore?: (
    store: FrameworkStore,
    process: SimulatedProcess,
  ) => FrameworkStore;
  /** A framework acknowledges first, then stores. */
  readonly acknowledgesFirst?: boolean;
  /** A framework repeats an ACCEPT that may have been carried out. */
  readonly retriesAccepts?: boolean;
  /** A framework asks nobody what became of its tasks. */
  readonly neverReconciles?: boolean;
}

export type CoreMutants = Readonly<Record<string, CoreMutant>>;

/** Changes what a master does about an event. */
export const withEffects = (
  change: (
    effects: readonly MasterEffect[],
    about: { readonly state: MasterState; readonly event: MasterEvent },
  ) => readonly MasterEffect[],
): CoreMutant => ({
  wrapReduce: (reduce) => (state, event, now) => {
    const { effects } = reduce(state, event, now);
    return { state, effects: change(effects, { state, event }) };
  },
});

/** Breaks a master's allocator when it begins to lead. */
export const withAllocator = (
  spoil: (allocator: MasterState['allocator']) => void,
): CoreMutant => ({
  wrapReduce: (reduce) => (state, event, now) => {
    if (event.kind === 'recover') spoil(state.allocator);
    return reduce(state, event, now);
  },
});

/** A value of a class with some methods replaced. */
export function replacing<Target extends object>(
  target: Target,
  replaced: Partial<Target>,
): Target {
  return new Proxy(target, {
    get: (given, key) => {
      const own: unknown = Reflect.get(replaced, key);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(given, key, given);
      return typeof value === 'function' ? value.bind(given) : value;
    },
  });
}
