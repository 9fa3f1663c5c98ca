import type { SeededRandom } from '../../support/seeded-random.js';
import type { MasterNode } from '../master-node.js';
import type { Network } from '../network.js';
import { SimulatedScheduler } from '../scheduler-link.js';
import { SimulatedProcess } from '../simulated-process.js';
import type { World } from '../world.js';
import type { Demand, FrameworkHabits } from './demand.js';
import { FrameworkDisk, type FrameworkStore } from './framework-store.js';
import type { CoreMutant } from './mutant.js';
import { ScriptedFramework } from './scripted-framework.js';
import { toTaskName, toWireCall, withTaskName } from './task-names.js';
import type { TaskWatch } from './task-watch.js';

export interface FrameworkParts {
  readonly world: World;
  readonly network: Network;
  readonly masters: readonly MasterNode[];
  readonly observer: TaskWatch;
  readonly random: SeededRandom;
  readonly mutant?: CoreMutant;
}

interface Instance {
  readonly process: SimulatedProcess;
  readonly framework: ScriptedFramework;
}

/** One framework's place: its disk, what its users demand, and an instance that is started again whenever it ends. */
export class FrameworkNode {
  readonly disk = new FrameworkDisk();
  private instances: readonly Instance[] = [];
  private newest: SimulatedProcess | undefined;

  constructor(
    readonly habits: FrameworkHabits,
    /** Changed by its users: tell it by {@link poke}. */
    readonly demands: Demand[],
    private readonly parts: FrameworkParts,
  ) {
    this.start();
  }

  get name(): string {
    return this.habits.name;
  }

  /** Those that live; the newest last. */
  get processes(): readonly SimulatedProcess[] {
    return this.instances.map(({ process }) => process);
  }

  poke(): void {
    for (const { process, framework } of this.instances) process.enter(() => framework.poke());
  }

  changeRoles(): void {
    const newest = this.instances.at(-1);
    newest?.process.enter(() => newest.framework.changeRoles());
  }

  restart(): void {
    const newest = this.instances.at(-1);
    newest?.process.enter(() => newest.framework.restart());
  }

  tearDown(): void {
    const newest = this.instances.at(-1);
    newest?.process.enter(() => newest.framework.tearDown());
  }

  /** Another instance with the same id, whether the first one lives or not. */
  start(): void {
    const { world, network, masters, observer, random, mutant } = this.parts;
    const process = new SimulatedProcess(this.name, world);
    this.newest = process;
    const store = mutant?.wrapFrameworkStore?.(this.disk, process) ?? this.disk;
    const framework = new ScriptedFramework({
      process,
      habits: this.habits,
      demands: this.demands,
      store: process.wrap<FrameworkStore>(store, {
        label: 'store',
        latencyMs: () => world.random.processes.between(0.1, 3),
        where: 'remote',
      }),
      random: random.fork(),
      connect: (handlers, { info, frameworkId, suppressedRoles }) =>
        new SimulatedScheduler({
          network,
          process,
          host: this.name,
          masters,
          observer: {
            acknowledging: (status) => observer.acknowledging(withTaskName(this.name, status)),
            killing: (task) => observer.killing(toTaskName(this.name, task)),
            shuttingDown: (executor, agent) =>
              observer.frameworkShutsDown(this.name, executor, agent),
            // An instance that was replaced may hear late what the one after it has heard already.
            statusDelivered: (status) => {
              if (this.newest === process)
                observer.statusDelivered(withTaskName(this.name, status));
            },
          },
          handlers: {
            ...handlers,
            onUpdate: (status) => handlers.onUpdate(withTaskName(this.name, status)),
          },
          toWire: toWireCall,
          frameworkInfo: info,
          frameworkId,
          suppressedRoles,
          acknowledgesFirst: mutant?.acknowledgesFirst === true,
          retriesAccepts: mutant?.retriesAccepts === true,
        }),
      neverReconciles: mutant?.neverReconciles === true,
      note: (what) => world.trace.add(this.name, what),
    });
    const instance: Instance = { process, framework };
    this.instances = [...this.instances, instance];
    process.onEnd(() => {
      this.instances = this.instances.filter((one) => one !== instance);
      world.after(world.random.processes.between(50, 3_000), () => {
        if (this.instances.length === 0) this.start();
      });
    });
    void framework.start().catch((error: unknown) => process.exit(error));
  }
}
