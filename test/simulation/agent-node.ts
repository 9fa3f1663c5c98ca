import type { AgentState } from '#cluster';
import {
  type LaunchSpec,
  type ProbeResult,
  type Prober,
  type ProbeTarget,
  type Resources,
  resources,
  type TaskId,
} from '#core';
import { type TaskStatus, toWireResources } from '#mesos-v1';
import { type AgentEngine, createAgentEngine } from '../../apps/agent/src/engine/agent-engine.js';
import type { MasterLink } from '../../apps/agent/src/engine/master-link.port.js';
import { FakeFetcher, FakeSandboxStore, FakeVolumeStore } from '../support/fake-sandbox-store.js';
import { FakeTaskJournal } from '../support/fake-task-journal.js';
import { SimulatedMasterLink } from './agent-link.js';
import type { MasterNode } from './master-node.js';
import type { AgentMutant } from './mutants.js';
import type { Network } from './network.js';
import type { AgentDoor } from './simulated-executor.js';
import { type ExecutorPlace, SimulatedHost } from './simulated-host.js';
import { SimulatedProcess } from './simulated-process.js';
import type { SurvivalWatch } from './survival-watch.js';
import { tearWhenKilled } from './torn-journal.js';
import type { World } from './world.js';

export const AGENT_RESOURCES = resources({
  cpus: 4,
  mem: 4_096,
  disk: 10_000,
  ports: [{ begin: 31_000, end: 31_019 }],
});

/** Not so long that most histories would never see one that does not subscribe. */
const EXECUTOR_OPTIONS = { registrationMs: 8_000, reregistrationMs: 2_000, shutdownGraceMs: 3_000 };

/** Who wants to know what happens on machines, and knows what their tasks hold. */
export interface AgentWatch {
  readonly survival: SurvivalWatch;
  started(task: TaskId, host: string, spec: LaunchSpec): void;
  /** Its own name for a task, where several frameworks use one id. */
  nameOf?(spec: Pick<LaunchSpec, 'taskId' | 'frameworkId'>): TaskId;
  portsOf(task: TaskId): readonly number[];
  /** A host has made a directory for a persistent volume. */
  readonly volumes?: { made(volume: string, host: string): void };
  /** An agent is about to send a status. */
  reporting?(status: TaskStatus, host: string): void;
}

export interface AgentParts {
  readonly world: World;
  readonly network: Network;
  readonly masters: readonly MasterNode[];
  readonly observer: AgentWatch;
  readonly mutant?: AgentMutant;
  /** Default: {@link AGENT_RESOURCES}. */
  readonly resources?: Resources;
  /** Milliseconds after which a task is done by itself. */
  readonly durationMs?: (spec: LaunchSpec) => number | undefined;
  /** Absent: nobody launches executors. */
  readonly executors?: Omit<ExecutorPlace, 'door'>;
}

/** One machine: its processes, its disk, and the agent on it, which is started again whenever it ends. */
export class AgentNode {
  readonly host: SimulatedHost;
  readonly address: string;
  readonly resources: Resources;
  process: SimulatedProcess;
  engine: AgentEngine | undefined;
  /** Its disk. */
  journal = new FakeTaskJournal();
  volumes: FakeVolumeStore;
  private isHostUp = true;

  constructor(
    readonly name: string,
    number: number,
    private readonly parts: AgentParts,
  ) {
    const { observer, durationMs, executors } = parts;
    this.resources = parts.resources ?? AGENT_RESOURCES;
    this.host = new SimulatedHost(name, parts.world, {
      onStart: (task, spec) => observer.started(task, name, spec),
      nameOf: (spec) => observer.nameOf?.(spec) ?? spec.taskId,
      onEnding: (task, how) => observer.survival.ending(task, name, how),
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(executors === undefined ? {} : { executors: { ...executors, door: () => this.door() } }),
    });
    this.address = `10.0.0.${number}`;
    this.volumes = this.emptyVolumes();
    this.process = this.start();
  }

  /** The machine loses power; it is back after `forMs`, with its disk or with an empty one. */
  crashHost(forMs: number, options: { readonly keepsDisk: boolean }): void {
    if (!this.isHostUp) return;
    const { world, network } = this.parts;
    this.isHostUp = false;
    for (const route of network.routesOf(this.name)) route.cut();
    this.host.crash();
    this.process.kill('its host has no power');
    for (const task of this.host.tasks.keys()) {
      this.parts.observer.survival.mayEnd(task, 'its host had no power');
    }
    if (!options.keepsDisk) this.forgetDisk();
    world.after(forMs, () => {
      this.isHostUp = true;
      world.trace.add(this.name, options.keepsDisk ? 'is back' : 'is back with an empty disk');
      for (const route of network.routesOf(this.name)) route.heal();
      this.start();
    });
  }

  /** The agent starts with an empty disk while its tasks run. */
  loseDisk(): void {
    this.forgetDisk();
    this.process.kill('its disk was emptied');
  }

  private emptyVolumes(): FakeVolumeStore {
    return new FakeVolumeStore(({ id }) => this.parts.observer.volumes?.made(id, this.name));
  }

  private forgetDisk(): void {
    this.journal = new FakeTaskJournal();
    this.volumes = this.emptyVolumes();
    this.parts.observer.survival.forgotten(this.name, this.host.tasks.keys());
  }

  /** There is no room on its disk for a while: what runs goes on, and nothing can be launched. */
  fillDisk(forMs: number): void {
    const { world } = this.parts;
    const disk = this.journal;
    if (disk.isFull) return;
    world.trace.add(this.name, `its disk is full for ${Math.round(forMs)} ms`);
    world.troubles.add(this.name, forMs);
    disk.fill();
    world.after(forMs, () => {
      world.trace.add(this.name, 'its disk has room again');
      disk.clear();
    });
  }

  probe(port: number, timeoutMs: number): ProbeResult {
    const { world, observer } = this.parts;
    const task = [...this.host.tasks.values()].find(
      ({ id, state }) => state === 'running' && observer.portsOf(id).includes(port),
    );
    const passed = this.isHostUp && task !== undefined && task.unhealthyUntilMs <= world.nowMs;
    const detail = passed ? 'HTTP 200' : 'HTTP 503';
    return { passed, detail, status: passed ? 200 : 503, durationMs: Math.min(1, timeoutMs) };
  }

  flipHealth(task: TaskId, forMs: number): void {
    const found = this.host.tasks.get(task);
    if (found === undefined) return;
    this.parts.observer.survival.mayEnd(task, 'it is unhealthy');
    found.unhealthyUntilMs = this.parts.world.nowMs + forMs;
  }

  /** What its agent knows; undefined before that has read its journal. */
  get state(): AgentState | undefined {
    try {
      return this.engine?.state;
    } catch {
      return undefined;
    }
  }

  /** What executors find when they call. */
  private door(): AgentDoor {
    const { process, engine } = this;
    const { mutant } = this.parts;
    const calls = engine?.executors;
    return { process, calls: calls && (mutant?.wrapExecutors?.(calls, process) ?? calls) };
  }

  private start(): SimulatedProcess {
    const { world, network, masters } = this.parts;
    const process = new SimulatedProcess(this.name, world);
    this.process = process;
    const journal = this.parts.mutant?.wrapJournal?.(this.journal, process) ?? this.journal;
    const launcher = this.host.launcher(process);
    const link = new SimulatedMasterLink({
      network,
      process,
      host: this.name,
      masters,
      survival: this.parts.observer.survival,
      reporting: (status, host) => this.parts.observer.reporting?.(status, host),
    });
    const engine = createAgentEngine(
      {
        launchers: [this.parts.mutant?.wrapLauncher?.(launcher) ?? launcher],
        prober: process.wrap<Prober>(
          { probe: async (target, { timeoutMs }) => this.probe(portOf(target), timeoutMs) },
          { label: 'prober', latencyMs: () => world.random.agents.between(0.5, 5) },
        ),
        journal: tearWhenKilled(journal, {
          disk: this.journal,
          process,
          latencyMs: () => world.random.agents.between(0.02, 1),
          draw: (count) => world.random.agents.integer(0, count),
        }),
        link: process.wrap<MasterLink>(link, { label: 'link', passThrough: ['open'] }),
        fetcher: process.wrap(new FakeFetcher(), { label: 'fetcher' }),
        sandboxes: process.wrap(new FakeSandboxStore(), {
          label: 'sandboxes',
          passThrough: ['directories'],
        }),
        volumes: process.wrap(this.parts.mutant?.wrapVolumes?.(this.volumes) ?? this.volumes, {
          label: 'volumes',
          passThrough: ['directoryOf', 'watch', 'close'],
        }),
        clock: process.clock,
        randomBytes: (count) => world.random.ids.bytes(count),
        log: (_level, message) => world.trace.add(this.name, message),
        fail: (error) => process.exit(error),
      },
      {
        agent: {
          hostname: this.name,
          port: 5051,
          resources: toWireResources(this.resources),
          attributes: [],
        },
        version: '1.11.0',
        bootId: `${this.name}-boot-${this.host.bootNumber}`,
        hostAddress: this.address,
        searchPath: '/bin',
        options: { executors: EXECUTOR_OPTIONS },
      },
    );
    this.engine = engine;
    process.onEnd(() => {
      engine.halt();
      if (!this.isHostUp) return;
      world.after(world.random.processes.between(50, 3_000), () => {
        if (this.isHostUp && !this.process.isAlive) this.start();
      });
    });
    void engine.start().catch((error: unknown) => process.exit(error));
    return process;
  }
}

const portOf = (target: ProbeTarget): number => (target.kind === 'command' ? 0 : target.port);
