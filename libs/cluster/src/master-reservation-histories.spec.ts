import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addResources,
  containsResources,
  countInRanges,
  isTerminalTaskState,
  nameOfKey,
  noResources,
  quantitiesOf,
  type Resources,
  reservedRole,
  resourceKey,
  subtractResources,
  traitsOfKey,
} from '#core';
import {
  decodeResources,
  type ExecutorInfo,
  encodeResources,
  type OfferOperation,
  type WireResource,
} from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';
import type { Offer as MasterOffer } from './master-state.js';
import { checkpointedOf } from './resource-conversion.js';

/** For a loaded machine, and for shrinking when it fails. */
const LIMIT_MS = 120_000;
const CAPABLE = ['EXECUTORS'];
const ROLES = ['a', 'a/x', 'b'] as const;
const scalar = (name: string, value: number, role?: string): WireResource => ({
  name,
  type: 'SCALAR',
  scalar: { value },
  ...(role === undefined ? {} : { reservations: [{ type: 'STATIC', role }] }),
});
const AGENT: readonly WireResource[] = [
  scalar('cpus', 8),
  scalar('mem', 4096),
  scalar('disk', 100),
  scalar('cpus', 2, 'a'),
  { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 1, end: 20 }] } },
];

const executor: ExecutorInfo = {
  executor_id: { value: 'e' },
  command: { value: './run' },
  resources: [scalar('cpus', 0.5), scalar('mem', 64)],
};

const pick = fc.nat({ max: 99 });
const operation = fc.record({
  kind: fc.constantFrom(
    ...(['reserve', 'reserve', 'reserve', 'unreserve', 'create', 'create', 'destroy'] as const),
    ...(['grow', 'shrink', 'launch', 'launch', 'launch'] as const),
  ),
  which: pick,
  part: fc.constantFrom(0.25, 0.5, 1, 2),
  /** Absent: the role the offer was for. */
  role: fc.option(fc.constantFrom(...ROLES), { nil: undefined }),
  id: fc.constantFrom('v1', 'v2'),
});
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;
const step = fc.record({
  kind: fc.constantFrom(
    ...(['accept', 'accept', 'accept', 'accept', 'end', 'end', 'decline', 'wait'] as const),
    ...(['agent-returns', 'master-fails-over', 'framework-returns', 'confirm', 'exit'] as const),
  ),
  which: pick,
  operations: fc.array(operation, { maxLength: 5 }),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Frameworks that reserve, use and give back at random, valid or not, and agents that come and go. */
class History {
  master = new MasterHarness();
  private readonly frameworks: { id: string; streamId: string; role: string }[] = [];
  private readonly agents: { id: string; streamId: string }[] = [];
  private streams = 0;
  private tasks = 0;

  constructor() {
    for (const role of ROLES) this.frameworks.push({ id: '', streamId: '', role });
    for (const framework of this.frameworks) this.subscribe(framework);
    for (let count = 0; count < 2; count += 1) {
      const streamId = this.stream();
      this.agents.push({
        id: this.master.addAgent(streamId, { resources: AGENT, capabilities: CAPABLE }),
        streamId,
      });
    }
    this.master.allocate();
  }

  play({ kind, which, operations }: Step): void {
    const { master } = this;
    const offers = [...master.state.offers.values()];
    const offer = offers[which % Math.max(1, offers.length)];
    const framework = this.frameworks[which % this.frameworks.length];
    const agent = this.agents[which % this.agents.length];
    if (kind === 'accept' && offer !== undefined) {
      const owner = this.frameworks.find(({ id }) => id === offer.frameworkId);
      const made = operations.flatMap((one) => this.make(one, offer));
      const wire = { id: { value: offer.id } };
      const { id = '', streamId = '' } = owner ?? {};
      master.accept(id, streamId, wire, made, { refuse_seconds: which % 2 });
    } else if (kind === 'decline' && offer !== undefined) {
      const owner = this.frameworks.find(({ id }) => id === offer.frameworkId);
      master.call(offer.frameworkId, owner?.streamId, {
        type: 'DECLINE',
        decline: { offer_ids: [{ value: offer.id }], filters: { refuse_seconds: 1 } },
      });
    } else if (kind === 'end') this.endTask(which);
    else if (kind === 'wait') this.wait(which % 8);
    else if (kind === 'agent-returns' && agent !== undefined) this.bringBack(agent, which);
    else if (kind === 'framework-returns' && framework !== undefined) this.subscribe(framework);
    else if (kind === 'confirm' && agent !== undefined) {
      master.agentCall(agent.id, agent.streamId, {
        type: 'CHECKPOINTED',
        checkpointed: { sequence: which },
      });
    } else if (kind === 'exit' && agent !== undefined && framework !== undefined) {
      master.agentCall(agent.id, agent.streamId, {
        type: 'EXITED_EXECUTOR',
        exited_executor: {
          framework_id: { value: framework.id },
          executor_id: { value: 'e' },
          status: 0,
        },
      });
    } else if (kind === 'master-fails-over') this.failOver();
    master.allocate();
  }

  /** An operation on part of one of the offered amounts; often one that must be refused. */
  private make(
    { kind, which, part, role, id }: Operation,
    { resources: offered, agentId: agent, role: offerRole }: MasterOffer,
  ): readonly OfferOperation[] {
    const keys = keysFor(kind, offered);
    const key = keys[which % Math.max(1, keys.length)];
    if (key === undefined) return [];
    const name = nameOfKey(key);
    const traits = traitsOfKey(key);
    const amount = Math.max(1, Math.floor((offered.scalars[key] ?? 0) * part));
    const wire = (changed: string) =>
      encodeResources({ scalars: { [changed]: amount }, ranges: {} }, { isRefined: true });
    const operationId = which % 3 === 0 ? { id: { value: `o${which}` } } : {};
    const [itself] = wire(key);
    switch (kind) {
      case 'reserve': {
        const reservations = [
          ...traits.reservations,
          { type: 'DYNAMIC' as const, role: role ?? offerRole },
        ];
        const resources = wire(resourceKey(name, { ...traits, reservations }));
        return [{ ...operationId, type: 'RESERVE', reserve: { resources } }];
      }
      case 'unreserve':
        return [{ ...operationId, type: 'UNRESERVE', unreserve: { resources: wire(key) } }];
      case 'create': {
        const volume = { id, containerPath: 'data', mode: 'RW' as const };
        const volumes = wire(resourceKey(name, { ...traits, volume }));
        return [{ ...operationId, type: 'CREATE', create: { volumes } }];
      }
      case 'destroy':
        return [{ ...operationId, type: 'DESTROY', destroy: { volumes: wire(key) } }];
      case 'grow': {
        const { volume: _, ...plain } = traits;
        const [addition] = wire(resourceKey(name, plain));
        if (itself === undefined || addition === undefined) return [];
        return [{ type: 'GROW_VOLUME', grow_volume: { volume: itself, addition } }];
      }
      case 'shrink':
        if (itself === undefined) return [];
        return [
          { type: 'SHRINK_VOLUME', shrink_volume: { volume: itself, subtract: { value: part } } },
        ];
      case 'launch': {
        this.tasks += 1;
        const { command: _command, ...task } = commandTask(`t${this.tasks}`, agent);
        const program = which % 2 === 0 ? { command: { value: 'true' } } : { executor };
        const info = { ...task, ...program, resources: wire(key) };
        return [{ type: 'LAUNCH', launch: { task_infos: [info] } }];
      }
      default:
        return kind satisfies never;
    }
  }

  private subscribe(framework: { id: string; streamId: string; role: string }): void {
    framework.streamId = this.stream();
    framework.id = this.master.subscribe(
      framework.streamId,
      {
        roles: [framework.role],
        failover_timeout: 3_600,
        capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
      },
      framework.id === '' ? {} : { id: framework.id },
    );
  }

  private endTask(which: number): void {
    const all = [...this.master.state.agents.values()].flatMap((one) => [...one.tasks]);
    const task = all[which % Math.max(1, all.length)];
    const agent = this.agents.find(({ id }) => id === task?.agentId);
    if (task === undefined || agent === undefined) return;
    this.master.update(
      { agent: agent.id, streamId: agent.streamId, framework: task.frameworkId },
      { taskId: task.id, state: 'TASK_FINISHED' },
    );
  }

  private wait(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      for (const agent of this.agents) this.master.pong(agent.id, agent.streamId);
      this.master.advance(1_000);
    }
  }

  /** With what it has on its disk: the last checkpoint that reached it, or the one before. */
  private bringBack(agent: { id: string; streamId: string }, which: number): void {
    const checkpointed = this.onDisk(agent.streamId, which % 2);
    const tasks = this.tasksOf(agent.id);
    const executors = this.executorsOf(agent.id);
    agent.streamId = this.stream();
    this.disks.set(agent.streamId, checkpointed);
    this.master.addAgent(agent.streamId, {
      id: agent.id,
      resources: AGENT,
      capabilities: CAPABLE,
      checkpointed,
      tasks,
      executors: which % 3 === 0 ? [] : executors,
    });
  }

  private onDisk(streamId: string, missed: number): readonly WireResource[] {
    const checkpoints = this.master
      .messagesOf(streamId)
      .flatMap((message) =>
        message.type === 'CHECKPOINT_RESOURCES' ? [message.checkpoint_resources.resources] : [],
      );
    const known = this.disks.get(streamId) ?? [];
    return [known, ...checkpoints].at(-1 - missed) ?? known;
  }

  /** What agents reported when they opened a stream. */
  private readonly disks = new Map<string, readonly WireResource[]>();

  private executorsOf(agent: string) {
    const known = [...this.master.state.agents.values()].find(({ id }) => id === agent);
    return [...(known?.executors.values() ?? [])].map((one) => ({
      framework_id: { value: one.frameworkId },
      executor: one.info,
    }));
  }

  private tasksOf(agent: string) {
    const known = [...this.master.state.agents.values()].find(({ id }) => id === agent);
    return [...(known?.tasks ?? [])]
      .filter((task) => !isTerminalTaskState(task.state))
      .map((task) => ({
        framework_id: { value: task.frameworkId },
        task: task.info,
        state: 'TASK_RUNNING',
        latest_status: { task_id: { value: task.id }, state: 'TASK_RUNNING' },
      }));
  }

  /** A new master that knows nothing; every agent has applied everything before. */
  private failOver(): void {
    const returning = this.agents.map((agent) => ({
      agent,
      tasks: this.tasksOf(agent.id),
      executors: this.executorsOf(agent.id),
      checkpointed: encodeResources(
        checkpointedOf(
          [...this.master.state.agents.values()].find(({ id }) => id === agent.id)?.total ??
            noResources,
        ),
        { isRefined: true },
      ),
    }));
    this.master = new MasterHarness({ epoch: this.streams + 2 });
    for (const framework of this.frameworks) this.subscribe(framework);
    for (const { agent, tasks, executors, checkpointed } of returning) {
      agent.streamId = this.stream();
      this.disks.set(agent.streamId, checkpointed);
      this.master.addAgent(agent.streamId, {
        id: agent.id,
        resources: AGENT,
        capabilities: CAPABLE,
        checkpointed,
        tasks,
        executors,
      });
    }
  }

  private stream(): string {
    this.streams += 1;
    return `stream-${this.streams}`;
  }
}

/** Keys the operation may succeed on, if there are any: at random it would hardly ever. */
function keysFor(kind: Operation['kind'], offered: Resources): readonly string[] {
  const keys = Object.keys(offered.scalars);
  const fitting = keys.filter((key) => {
    const { volume, reservations } = traitsOfKey(key);
    if (kind === 'create') return nameOfKey(key) === 'disk' && reservations.length > 0;
    return ['destroy', 'grow', 'shrink'].includes(kind) ? volume !== undefined : true;
  });
  return fitting.length > 0 ? fitting : keys;
}

const QUANTITIES = quantitiesOf(decodeResources(AGENT));
const isUsableBy = (key: string, role: string): boolean => {
  const owner = reservedRole(key);
  return owner === undefined || owner === role || role.startsWith(`${owner}/`);
};

function check({ state }: MasterHarness): void {
  for (const agent of state.agents.values()) {
    const tasks = [...agent.tasks].filter((task) => task.holdsResources);
    const holders = [...tasks, ...agent.executors.values(), ...agent.offers];
    const held = holders.reduce((sum, one) => addResources(sum, one.resources), noResources);
    expect(containsResources(agent.total, held)).toBe(true);
    // The allocator counts the same, and nothing is lost between the two.
    const free = state.allocator.availableOn(agent.id);
    expect(containsResources(free, subtractResources(agent.total, held))).toBe(true);
    expect(containsResources(subtractResources(agent.total, held), free)).toBe(true);
    expect(quantitiesOf(agent.total)).toEqual(QUANTITIES);
    expect(
      Object.values(agent.total.ranges).reduce((sum, range) => sum + countInRanges(range), 0),
    ).toBe(20);
    for (const { role, resources } of holders) {
      const keys = [...Object.keys(resources.scalars), ...Object.keys(resources.ranges)];
      expect(keys.filter((key) => !isUsableBy(key, role))).toEqual([]);
    }
  }
}

/** Nothing is launched on what its agent has not been sent before on the same stream, or brought itself. */
function checkOrder(master: MasterHarness, brought: ReadonlySet<string>): void {
  for (const [streamId, messages] of master.sentToAgents) {
    let known: ReadonlySet<string> | undefined = brought.has(streamId) ? undefined : new Set();
    for (const message of messages) {
      if (message.type === 'CHECKPOINT_RESOURCES') {
        const { resources } = message.checkpoint_resources;
        known = new Set(Object.keys(decodeResources(resources).scalars));
      } else if (message.type === 'LAUNCH' && known !== undefined) {
        const used = checkpointedOf(decodeResources(message.launch.task.resources));
        for (const key of Object.keys(used.scalars)) expect(known.has(key)).toBe(true);
      }
    }
  }
}

describe('reservations and operations, over random histories', () => {
  it(
    'never over-commit, keep the totals by name, and serve reservations to their role only',
    () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
          const history = new History();
          for (const one of steps) {
            history.play(one);
            check(history.master);
          }
          const streams = [...history.master.sentToAgents.keys()];
          const isFirst = steps.every(({ kind }) => kind !== 'master-fails-over');
          checkOrder(history.master, new Set(isFirst ? streams.slice(2) : streams));
        }),
        { numRuns: 100 },
      );
    },
    LIMIT_MS,
  );
});
