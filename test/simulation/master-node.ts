import type { AgentSubscription, SubscribeCall } from '#cluster';
import type { MasterRegistry } from '#core';
import type { AgentCall, AgentMessage, MasterInfo, SchedulerCall, SchedulerEvent } from '#mesos-v1';
import {
  createMasterEngine,
  type MasterEngine,
  type MasterEngineOptions,
} from '../../apps/master/src/engine/master-engine.js';
import type { RecordStreams } from '../../apps/master/src/engine/master-ports.js';
import { Leadership } from '../../apps/master/src/leadership/leadership.js';
import type { FakeLeaseKeeper } from '../support/fake-lease-keeper.js';
import type { FakeMasterRegistry } from '../support/fake-master-registry.js';
import type { MasterMutant } from './mutants.js';
import type { Answer } from './network.js';
import type { RecordStream } from './record-stream.js';
import { SimulatedProcess } from './simulated-process.js';
import type { World } from './world.js';

/** The database, as far as masters use it. */
export interface MasterDisk {
  readonly leases: FakeLeaseKeeper;
  readonly registry: FakeMasterRegistry;
}

/** Where a standby sends its callers. */
export interface Redirect {
  readonly status: number;
  readonly message: string;
  readonly leader?: string;
}

/** Who wants to know what reaches a master. */
export interface MasterWatch {
  accepting(engine: MasterEngine, call: Extract<SchedulerCall, { readonly type: 'ACCEPT' }>): void;
}

/** What may be set of an engine, anew in each life. */
export type EngineSettings = Pick<MasterEngineOptions, 'reduce' | 'beforeEffect' | 'config'>;

/** One master's place: a process that is started again whenever it ends. Stands in for its HTTP surface. */
export class MasterNode {
  process: SimulatedProcess;
  engine: MasterEngine | undefined;
  private leadership: Leadership | undefined;
  private lives = 0;
  private agentStreams = new Streams<AgentMessage>();
  private frameworkStreams = new Streams<SchedulerEvent>();

  constructor(
    readonly name: string,
    private readonly parts: {
      readonly world: World;
      readonly disk: MasterDisk;
      readonly observer: MasterWatch;
      readonly mutant?: MasterMutant;
      readonly engine?: (node: MasterNode, epoch: number) => EngineSettings;
    },
  ) {
    this.process = this.start();
  }

  get isLeading(): boolean {
    return this.process.isAlive && this.leadership?.state.kind === 'leading';
  }

  /** What the gate and the controllers say before the engine is asked. Undefined: go on. */
  refusal(): Redirect | undefined {
    const state = this.leadership?.state;
    if (state?.kind === 'leading') {
      if (this.leadership?.isWritable === true) return undefined;
      return { status: 503, message: 'The database is unavailable' };
    }
    const leader = state?.kind === 'standby' ? state.leaderUrl : undefined;
    if (leader === undefined) return { status: 503, message: 'No leader elected' };
    return { status: 307, message: `the leader is ${leader}`, leader };
  }

  subscribeAgent(stream: RecordStream, subscription: AgentSubscription): void {
    const { engine } = this;
    const streamId = this.parts.world.random.ids.uuid();
    this.agentStreams.admit(streamId, stream, this.process, () => {
      engine?.agentStreamClosed(streamId);
    });
    const read = this.parts.mutant?.readSubscription?.(subscription) ?? subscription;
    engine?.subscribeAgent({ streamId, subscription: read });
  }

  subscribeFramework(stream: RecordStream, call: SubscribeCall): void {
    const { engine } = this;
    const streamId = this.parts.world.random.ids.uuid();
    this.frameworkStreams.admit(streamId, stream, this.process, () => {
      engine?.frameworkStreamClosed(streamId);
    });
    engine?.subscribeFramework({ streamId, call });
  }

  async callFromAgent(call: Exclude<AgentCall, { type: 'SUBSCRIBE' }>): Promise<Answer> {
    // As the HTTP controller: while the database is away the engine itself refuses what it must not take.
    const refusal = this.isLeading ? undefined : this.refusal();
    if (refusal !== undefined || this.engine === undefined) return refusal ?? NOT_READY;
    return await this.engine.callFromAgent(call);
  }

  async callFromScheduler(
    streamId: string,
    call: Exclude<SchedulerCall, { type: 'SUBSCRIBE' }>,
  ): Promise<Answer> {
    const refusal = this.refusal();
    if (refusal !== undefined || this.engine === undefined) return refusal ?? NOT_READY;
    if (call.type === 'ACCEPT') this.parts.observer.accepting(this.engine, call);
    return await this.engine.callFromScheduler({ call, streamId });
  }

  private start(): SimulatedProcess {
    const { world, disk, mutant } = this.parts;
    this.lives += 1;
    const holder = `${this.name}#${this.lives}`;
    const process = new SimulatedProcess(this.name, world);
    this.process = process;
    this.engine = undefined;
    this.agentStreams = new Streams();
    this.frameworkStreams = new Streams();
    const latencyMs = () => world.random.processes.between(0.1, 3);
    const registry = mutant?.wrapRegistry?.(disk.registry, process) ?? disk.registry;
    const leadership = new Leadership({
      keeper: process.wrap(disk.leases, { label: 'lease', latencyMs, where: 'remote' }),
      clock: process.clock,
      holder,
      url: this.name,
      onElected: async (lease) => {
        world.trace.add(this.name, `leads in epoch ${lease.epoch}`);
        const streams = {
          agents: process.wrap(this.agentStreams, { label: 'agentStreams' }),
          frameworks: process.wrap(this.frameworkStreams, { label: 'frameworkStreams' }),
        };
        this.engine = await createMasterEngine(
          {
            registry: process.wrap<MasterRegistry>(registry, {
              label: 'registry',
              latencyMs,
              where: 'remote',
            }),
            clock: process.clock,
            frameworkStreams: streams.frameworks,
            agentStreams: streams.agents,
            ids: { next: () => world.random.ids.uuid() },
            isWritable: () => leadership.isWritable,
            onFatal: (error) => process.exit(error),
            note: (_level, message, fields) =>
              world.trace.add(this.name, `${message} ${JSON.stringify(fields)}`),
          },
          {
            lease,
            masterInfo: masterInfo(this.name),
            ...this.parts.engine?.(this, lease.epoch),
          },
        );
      },
      onLost: (error) => {
        if (mutant?.ignoresLostLease !== true) process.exit(error);
      },
      onIsolated: () => {
        this.frameworkStreams.dropAll();
        this.agentStreams.dropAll();
      },
      note: (message, fields) => world.trace.add(this.name, `${message} ${JSON.stringify(fields)}`),
    });
    this.leadership = leadership;
    process.onEnd(() => {
      world.after(world.random.processes.between(50, 1_500), () => this.start());
    });
    leadership.start();
    return process;
  }
}

const masterInfo = (hostname: string): MasterInfo => ({
  id: '',
  ip: 0,
  port: 5050,
  pid: `master@${hostname}`,
  hostname,
  version: '1.11.0',
  address: { hostname, ip: '0.0.0.0', port: 5050 },
});

const NOT_READY: Answer = { status: 503, message: 'not ready' };

/** The open and pending streams of one process. */
class Streams<Record> implements RecordStreams<Record> {
  private readonly open = new Map<
    string,
    { readonly stream: RecordStream; readonly onClosed: () => void }
  >();

  admit(id: string, stream: RecordStream, server: SimulatedProcess, onClosed: () => void): void {
    this.open.set(id, { stream, onClosed });
    stream.admitted(server, () => {
      if (this.open.delete(id)) onClosed();
    });
  }

  send(id: string, record: Record): boolean {
    return this.open.get(id)?.stream.send(id, record) ?? false;
  }

  close(id: string): void {
    this.open.get(id)?.stream.end();
    this.open.delete(id);
  }

  refuse(id: string, refusal: { readonly status: number; readonly message: string }): void {
    this.open.get(id)?.stream.refuse(refusal.status, refusal.message);
    this.open.delete(id);
  }

  /** As the HTTP streams: ends them as if their clients had. */
  dropAll(): void {
    for (const [id, { onClosed }] of [...this.open]) {
      this.close(id);
      onClosed();
    }
  }
}
