import { SeededRandom } from '../support/seeded-random.js';
import { EventQueue } from './event-queue.js';
import { Trace } from './trace.js';
import { Troubles } from './troubles.js';

/** What all parts of one simulated cluster share. One seed decides everything that happens in it. */
export class World {
  readonly queue = new EventQueue();
  readonly trace = new Trace(() => this.queue.now().monoMs);
  readonly troubles = new Troubles(() => this.queue.now().monoMs);
  /** One sequence for each source of chance, so that they do not disturb each other. */
  readonly random: {
    readonly processes: SeededRandom;
    readonly network: SeededRandom;
    readonly hosts: SeededRandom;
    readonly faults: SeededRandom;
    readonly workload: SeededRandom;
    readonly ids: SeededRandom;
    readonly agents: SeededRandom;
    readonly executors: SeededRandom;
  };
  /** Processes something happened to since the last look. */
  readonly touched = new Set<string>();
  /** The first broken promise. */
  violation: string | undefined;
  /** While false the network, the hosts and the database do what they should. */
  isFaulty: boolean;
  /** Whether anything ever fails. */
  readonly isEverFaulty: boolean;
  /** How often the wall clocks were set. */
  clockJumps = 0;

  constructor(
    readonly seed: number,
    options: { readonly isCalm: boolean },
  ) {
    const root = new SeededRandom(seed * 2_654_435_761);
    this.random = {
      processes: root.fork(),
      network: root.fork(),
      hosts: root.fork(),
      faults: root.fork(),
      workload: root.fork(),
      ids: root.fork(),
      agents: root.fork(),
      executors: root.fork(),
    };
    this.isEverFaulty = !options.isCalm;
    this.isFaulty = this.isEverFaulty;
  }

  get nowMs(): number {
    return this.queue.now().monoMs;
  }

  after(delayMs: number, task: () => void): () => void {
    return this.queue.schedule(delayMs, task);
  }

  violate(what: string): void {
    this.trace.add('VIOLATION', what);
    this.violation ??= what;
  }
}
