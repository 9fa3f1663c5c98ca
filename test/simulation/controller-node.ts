import type { ControllerStore, Lease, Prober, ProbeTarget } from '#core';
import type { FrameworkInfo } from '#mesos-v1';
import { createControllerEngine } from '../../apps/controller/src/engine/create-controller-engine.js';
import type { RunningEngine } from '../../apps/controller/src/engine/engine.js';
import type { FakeLeaseKeeper } from '../support/fake-lease-keeper.js';
import type { AgentNode } from './agent-node.js';
import type { MasterNode } from './master-node.js';
import type { Mutant } from './mutants.js';
import type { Network } from './network.js';
import type { ObservedStore, Observer } from './observer.js';
import { type SchedulerWatch, SimulatedScheduler } from './scheduler-link.js';
import { SimulatedProcess } from './simulated-process.js';
import type { World } from './world.js';

const SEEK_MS = 500;
const RENEW_MS = 1_000;
const FRAMEWORK: FrameworkInfo = {
  user: 'root',
  name: 'pacer',
  failover_timeout: 7 * 24 * 3_600,
  checkpoint: true,
  roles: ['*'],
  capabilities: [
    { type: 'PARTITION_AWARE' },
    { type: 'MULTI_ROLE' },
    { type: 'TASK_KILLING_STATE' },
  ],
};

export interface ControllerParts {
  readonly world: World;
  readonly network: Network;
  readonly masters: readonly MasterNode[];
  readonly agents: readonly AgentNode[];
  readonly observer: Observer;
  readonly leases: FakeLeaseKeeper;
  readonly store: ObservedStore;
  readonly mutant?: Mutant;
}

/** One controller's place: it seeks the lease, runs the engine while it holds it, and is started again when it ends. */
export class ControllerNode {
  process: SimulatedProcess;
  engine: RunningEngine | undefined;
  private epoch: number | undefined;
  private lives = 0;

  constructor(
    readonly name: string,
    private readonly parts: ControllerParts,
  ) {
    this.process = this.start();
  }

  get isLeading(): boolean {
    return this.process.isAlive && this.engine !== undefined;
  }

  /** Its lease stands: one that was frozen may believe in an older one. */
  get isLeader(): boolean {
    return this.isLeading && this.epoch === this.parts.leases.epochOf('controller');
  }

  private start(): SimulatedProcess {
    const { world } = this.parts;
    this.lives += 1;
    const process = new SimulatedProcess(this.name, world);
    this.process = process;
    this.engine = undefined;
    process.onEnd(() => {
      world.after(world.random.processes.between(50, 3_000), () => this.start());
    });
    void this.lead(process).catch((error: unknown) => process.exit(error));
    return process;
  }

  private async lead(process: SimulatedProcess): Promise<void> {
    const { world, leases, mutant } = this.parts;
    const store = mutant?.wrapStore?.(this.parts.store, process) ?? this.parts.store;
    const latencyMs = () => world.random.processes.between(0.1, 3);
    const keeper = process.wrap(leases, { label: 'lease', latencyMs, where: 'remote' });
    const wrapped = process.wrap<ControllerStore>(store, {
      label: 'store',
      latencyMs,
      where: 'remote',
    });
    const lease = await this.seek(process, keeper);
    this.epoch = lease.epoch;
    this.parts.observer.takenOver();
    world.trace.add(this.name, `leads in epoch ${lease.epoch}`);
    this.renewAfter(process, keeper, lease);
    for (;;) {
      try {
        const engine = await this.createEngine(process, { lease, store: wrapped });
        this.engine = mutant?.wrapEngine?.(engine) ?? engine;
        break;
      } catch (error) {
        if (!isAway(error)) throw error;
        await pause(process, SEEK_MS);
      }
    }
    this.engine.start();
  }

  private async seek(process: SimulatedProcess, keeper: FakeLeaseKeeper): Promise<Lease> {
    const holder = `${this.name}#${this.lives}`;
    for (;;) {
      try {
        const outcome = await keeper.acquire({ scope: 'controller', holder, url: this.name });
        if (outcome.kind === 'held') return outcome.lease;
      } catch (error) {
        if (!isAway(error)) throw error;
      }
      await pause(process, SEEK_MS);
    }
  }

  private renewAfter(process: SimulatedProcess, keeper: FakeLeaseKeeper, lease: Lease): void {
    process.clock.schedule(RENEW_MS, () => {
      keeper.renew(lease).then(
        (outcome) => {
          if (outcome === 'lost') process.exit(new Error(`the lease of ${lease.epoch} is lost`));
          else this.renewAfter(process, keeper, lease);
        },
        (error) => {
          if (isAway(error)) this.renewAfter(process, keeper, lease);
          else process.exit(error);
        },
      );
    });
  }

  private createEngine(
    process: SimulatedProcess,
    held: { readonly lease: Lease; readonly store: ControllerStore },
  ): Promise<RunningEngine> {
    const { world, network, masters, leases, mutant } = this.parts;
    const observer: SchedulerWatch = {
      acknowledging: (status) => this.parts.observer.acknowledging(status),
      killing: (task) => this.parts.observer.killing(task),
      // One that was deposed may hear late what its successor has heard already.
      statusDelivered: (status) => {
        const isLate = leases.epochOf('controller') !== held.lease.epoch;
        if (!isLate) this.parts.observer.statusDelivered(status);
      },
    };
    return createControllerEngine(
      {
        store: held.store,
        lease: held.lease,
        connect: (handlers, frameworkId, roles) =>
          process.wrap(
            new SimulatedScheduler({
              network,
              process,
              host: this.name,
              masters,
              observer,
              handlers,
              frameworkInfo: FRAMEWORK,
              frameworkId,
              roles,
              acknowledgesFirst: mutant?.acknowledgesFirst === true,
              retriesAccepts: mutant?.retriesAccepts === true,
            }),
            { label: 'driver' },
          ),
        prober: process.wrap<Prober>(
          { probe: async (target, { timeoutMs }) => this.probe(target, timeoutMs) },
          { label: 'prober', latencyMs: () => world.random.processes.between(0.5, 5) },
        ),
        sink: { publish: () => undefined },
        clock: process.clock,
        newId: () => world.random.ids.uuid(),
        onFatal: (error) => process.exit(error),
        log: {
          info: (message, fields) => this.log(message, fields),
          warn: (message, fields) => this.log(message, fields),
          error: (message, fields) => this.log(message, fields),
        },
      },
      { seed: this.lives },
    );
  }

  private log(message: string, fields: Readonly<Record<string, unknown>> | undefined): void {
    const more = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
    this.parts.world.trace.add(this.name, `${message}${more}`);
  }

  private probe(target: ProbeTarget, timeoutMs: number) {
    const node = this.parts.agents.find(
      ({ name, address }) =>
        target.kind !== 'command' && (target.host === name || target.host === address),
    );
    if (node === undefined || target.kind === 'command') {
      return { passed: false, detail: 'no route to host', durationMs: timeoutMs };
    }
    return node.probe(target.port, timeoutMs);
  }
}

const isAway = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'STORE_UNAVAILABLE';

const pause = (process: SimulatedProcess, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    process.clock.schedule(delayMs, resolve);
  });
