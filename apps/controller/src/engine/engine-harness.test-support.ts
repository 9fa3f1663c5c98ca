import type { App, Lease, RootDelta, StoredEvent } from '#core';
import { appId } from '#core';
import { ROUTER_RETURN_MS } from '#deployment';
import { FakeControllerStore } from '../../../../test/support/fake-controller-store.js';
import { FakeLeaseKeeper } from '../../../../test/support/fake-lease-keeper.js';
import { FakeProber } from '../../../../test/support/fake-prober.js';
import { SeededRandom } from '../../../../test/support/seeded-random.js';
import { VirtualClock } from '../../../../test/support/virtual-clock.js';
import type { RootChange } from './controller-engine.port.js';
import { createControllerEngine } from './create-controller-engine.js';
import type { RunningEngine } from './engine.js';
import type { EngineOptions, EnginePorts } from './engine-ports.js';
import { FakeCluster } from './fake-cluster.test-support.js';
import type { FakeAgent } from './fake-offers.test-support.js';

/** A whole controller over fakes. `engine` changes when it is restarted. */
export class EngineHarness {
  readonly clock = new VirtualClock();
  readonly leases = new FakeLeaseKeeper(() => this.clock.now());
  readonly store = new FakeControllerStore(this.leases);
  readonly prober = new FakeProber(this.clock);
  readonly cluster: FakeCluster;
  readonly events: StoredEvent[] = [];
  readonly fatal: Error[] = [];
  /** For engines started from now on. */
  morePorts: Pick<EnginePorts, 'runCommand'> = {};
  private readonly random = new SeededRandom(7);
  private current: RunningEngine | undefined;
  private lease: Lease | undefined;
  private effectsUntilCrash = Number.POSITIVE_INFINITY;

  constructor(
    agents: readonly FakeAgent[] = [{ id: 'agent-1', hostname: 'host-1', cpus: 1_000 }],
    private readonly options: Partial<EngineOptions> = {},
  ) {
    this.cluster = new FakeCluster(this.clock, [...agents]);
  }

  get engine(): RunningEngine {
    if (this.current === undefined) throw new Error('no engine is running');
    return this.current;
  }

  get isRunning(): boolean {
    return this.current !== undefined;
  }

  async start(): Promise<void> {
    if (this.lease === undefined) {
      const outcome = await this.leases.acquire({ scope: 'controller', holder: 'a', url: 'a' });
      if (outcome.kind !== 'held') throw new Error('the lease is taken');
      this.lease = outcome.lease;
    }
    this.current = await createControllerEngine(
      {
        ...this.morePorts,
        store: this.store,
        lease: this.lease,
        connect: (handlers, id, roles) => this.cluster.connect(handlers, id, roles),
        prober: this.prober,
        sink: { publish: (events) => this.events.push(...events) },
        clock: this.clock,
        newId: () => this.random.uuid(),
        onFatal: (error) => {
          this.fatal.push(error);
          this.crash();
        },
        beforeEffect: () => {
          this.effectsUntilCrash -= 1;
          if (this.effectsUntilCrash === 0) throw new Error('crash');
        },
      },
      this.options,
    );
    this.current.start();
    await this.clock.advance(50);
  }

  /** Starts where no router is, and waits until that is certain: nothing is drained. */
  async startWithoutRouters(): Promise<void> {
    await this.start();
    await this.clock.advance(ROUTER_RETURN_MS + 1_000);
  }

  /** The engine dies right before the n-th effect from now. */
  crashAtEffect(count: number): void {
    this.effectsUntilCrash = count;
  }

  crash(): void {
    void this.current?.stop();
    this.cluster.disconnect();
    this.current = undefined;
  }

  async put(app: App, extra: Partial<RootChange> = {}): Promise<string> {
    return this.change({ putApps: [app] }, extra);
  }

  async change(delta: Partial<RootDelta>, extra: Partial<RootChange> = {}): Promise<string> {
    const outcome = await this.engine.changeRoot({
      apply: () => ({ putApps: [], removeApps: [], putGroups: [], removeGroups: [], ...delta }),
      force: false,
      ...extra,
    });
    if (outcome.kind !== 'accepted') throw new Error(`refused: ${outcome.kind}`);
    return outcome.deploymentId;
  }

  conditions(id: string): readonly string[] {
    return this.engine.view.instancesOf(appId(id)).map(({ instance }) => instance.condition);
  }

  eventTypes(): readonly string[] {
    return this.events.map(({ type }) => type);
  }
}
