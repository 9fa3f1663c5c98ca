import {
  assert,
  frameworkId,
  isTerminalTaskState,
  present,
  type RunKey,
  type TaskState,
  taskId,
} from '#core';
import type { AgentUpdate, LaunchId, TaskStatus } from '#mesos-v1';
import { SEED } from './agent.test-support.js';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { applyRecord, emptyJournalImage } from './agent-records.js';
import { recoverAgent, toSubscribe } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent, AgentOptions, AgentState } from './agent-state.js';
import { DEFAULT_TASK_OPTIONS } from './agent-task.js';
import { commandTask, MasterHarness } from './master.test-support.js';

const OPTIONS: AgentOptions = {
  ...DEFAULT_TASK_OPTIONS,
  lanes: DEFAULT_LANE_LIMITS,
  hostAddress: '127.0.0.1',
  launchers: { process: { available: true }, docker: { available: false, reason: 'none' } },
};
const NOW = { epochMs: 0, monoMs: 0 };

/** What a framework knows of one of its ids. */
interface Use {
  readonly framework: string;
  readonly id: string;
  launchId: LaunchId | undefined;
  isKilled: boolean;
  /** Its end is acknowledged, or was the master's own word: the id may be used again. */
  isFree: boolean;
}

interface Process {
  readonly use: Use;
  readonly launchId: LaunchId;
  isDying: boolean;
}

/**
 * A master, an agent and its host, and two frameworks that use the same ids again and again. Messages wait until they are
 * let through, updates may be lost or come twice, the stream may break and the agent die at any time.
 */
export class RelaunchWorld {
  readonly master = new MasterHarness();
  readonly uses: readonly Use[];
  readonly processes = new Map<RunKey, Process>();
  state: AgentState;
  private image = emptyJournalImage();
  private agentId = '';
  private connection = 0;
  private delivered = 0;
  private starts = 1;
  private readonly starting: RunKey[] = [];
  private uplink: AgentUpdate[] = [];
  private readonly heard = new Map<string, number>();
  private readonly inbox: { readonly use: Use; readonly status: TaskStatus }[] = [];
  private readonly started = new Set<string>();
  private readonly launchOfUuid = new Map<string, LaunchId | undefined>();

  constructor() {
    const frameworks = ['F', 'G'].map((name) =>
      this.master.subscribe(name, { capabilities: [{ type: 'PARTITION_AWARE' }] }),
    );
    this.uses = frameworks.flatMap((framework) =>
      ['1', '2'].map((id) => ({
        ...{ framework, id },
        ...{ launchId: undefined, isKilled: false, isFree: true },
      })),
    );
    this.state = this.recover();
    this.subscribe();
  }

  /** The framework launches the id, if it may. */
  launch(use: Use): void {
    if (!use.isFree) return;
    const { master } = this;
    for (const framework of new Set(this.uses.map((one) => one.framework))) {
      const offers = [...master.state.offers.values()]
        .filter((offer) => offer.frameworkId === framework)
        .map(({ id }) => ({ value: id }));
      if (offers.length === 0) continue;
      master.call(framework, nameOf(framework), {
        type: 'DECLINE',
        decline: { offer_ids: offers },
      });
    }
    master.call(use.framework, nameOf(use.framework), { type: 'REVIVE' });
    master.allocate();
    const offer = master.offersOf(nameOf(use.framework)).at(-1);
    if (
      offer === undefined ||
      ![...master.state.offers.keys()].some((id) => id === offer.id.value)
    ) {
      return;
    }
    const definition = commandTask(use.id, this.agentId, { cpus: 0.1, mem: 32 });
    master.launch(use.framework, nameOf(use.framework), offer, [definition]);
    const task = this.taskOf(use);
    assert(task?.launchId !== undefined, `task ${use.id} is not refused`);
    Object.assign(use, { launchId: task.launchId, isKilled: false, isFree: false });
    this.hear();
  }

  kill(use: Use): void {
    if (use.isFree) return;
    use.isKilled = true;
    const kill = { task_id: { value: use.id } };
    this.master.call(use.framework, nameOf(use.framework), { type: 'KILL', kill });
    this.hear();
  }

  /** The frameworks acknowledge the oldest status they have not. */
  acknowledge(): void {
    const next = this.inbox.shift();
    if (next === undefined) return;
    const { use, status } = next;
    this.master.call(use.framework, nameOf(use.framework), {
      type: 'ACKNOWLEDGE',
      acknowledge: {
        agent_id: { value: this.agentId },
        task_id: { value: use.id },
        uuid: status.uuid ?? '',
      },
    });
    const isOfThis = sameLaunch(this.launchOfUuid.get(status.uuid ?? ''), use.launchId);
    if (isOfThis && isEnd(status)) use.isFree = true;
  }

  /** The next message of the master arrives. */
  deliver(): void {
    const message = this.master.messagesOf(`A${this.connection}`)[this.delivered];
    if (message === undefined) return;
    this.delivered += 1;
    this.feed({ kind: 'message', connection: this.connection, message });
  }

  /** The next update of the agent arrives, is lost, or arrives and comes again later. */
  carry(how: 'arrives' | 'is-lost' | 'comes-twice'): void {
    const [update, ...rest] = this.uplink;
    if (update === undefined) return;
    this.uplink = how === 'comes-twice' ? [...rest, update] : rest;
    if (how === 'is-lost') return;
    const call = { type: 'UPDATE', update } as const;
    this.master.agentCall(this.agentId, `A${this.connection}`, call);
    this.hear();
  }

  /** A process that was asked for runs. */
  start(): void {
    const run = this.starting.shift();
    if (run === undefined || !this.processes.has(run)) return;
    this.feed({ kind: 'task', run, event: { kind: 'launched', launched: { pid: 7 } } });
  }

  /** The oldest process that is to end, or any, ends. */
  exit(which: 'dying' | 'any'): void {
    const [run] =
      [...this.processes].find(([, process]) => which === 'any' || process.isDying) ?? [];
    if (run === undefined || this.starting.includes(run)) return;
    this.processes.delete(run);
    const exit = { run, status: { kind: 'exited', code: 0 }, oomKilled: false } as const;
    this.feed({ kind: 'task', run, event: { kind: 'exited', exit } });
  }

  /** The stream breaks; the agent subscribes again. */
  cut(): void {
    this.master.dispatch({ kind: 'agent-stream-closed', streamId: `A${this.connection}` });
    this.feed({ kind: 'link-closed', connection: this.connection });
    this.subscribe();
  }

  /** The agent dies and starts again; its processes go on, but for those about to start. */
  restart(): void {
    this.master.dispatch({ kind: 'agent-stream-closed', streamId: `A${this.connection}` });
    for (const run of this.starting.splice(0)) this.processes.delete(run);
    this.state = this.recover();
    for (const task of [...this.state.tasks.values()]) {
      if (task.phase.kind !== 'recovering') continue;
      const { run } = task;
      const event = this.processes.has(run)
        ? ({ kind: 'reattached', launched: { pid: 7 } } as const)
        : ({ kind: 'not-found', reason: 'it is gone' } as const);
      this.feed({ kind: 'task', run, event });
    }
    this.feed({ kind: 'started' });
    this.subscribe();
  }

  /** Everything arrives and is acknowledged. */
  letThrough(): void {
    for (let round = 0; round < 4; round += 1) {
      this.cut();
      for (let step = 0; step < 60; step += 1) {
        this.deliver();
        this.start();
        this.exit('dying');
        this.carry('arrives');
        this.acknowledge();
      }
    }
  }

  /** Ids that were launched and neither killed nor ended, and do not run. */
  missing(): readonly Use[] {
    return this.uses.filter(
      (use) =>
        !use.isFree &&
        !use.isKilled &&
        ![...this.processes.values()].some(
          (process) => process.use === use && sameLaunch(process.launchId, use.launchId),
        ),
    );
  }

  private taskOf({ framework, id }: Use) {
    return this.master.state.frameworks.get(frameworkId(framework))?.tasks.get(taskId(id));
  }

  private recover(): AgentState {
    const { image } = this;
    this.image = emptyJournalImage();
    for (const [run, record] of image.tasks) this.image.tasks.set(run, record);
    for (const [run, completed] of image.completed) this.image.completed.set(run, completed);
    const recovered = recoverAgent(
      { identity: { agentId: 'a1', highestEpoch: 0, bootId: 'b' }, image, damaged: new Map() },
      { bootId: 'b', seed: [...SEED.slice(1), this.starts], options: OPTIONS, now: NOW },
    );
    this.starts += 1;
    this.state = recovered.state;
    this.carryOut(recovered.effects);
    return this.state;
  }

  private subscribe(): void {
    this.connection += 1;
    this.delivered = 0;
    this.uplink = [];
    const info = { hostname: 'host', port: 5051, resources: [], attributes: [] };
    const { tasks, frameworks, last_applied } = toSubscribe(this.state, info, '1').subscribe;
    this.agentId = this.master.addAgent(`A${this.connection}`, {
      ...(this.agentId === '' ? {} : { id: this.agentId }),
      ...{ tasks, frameworks },
      ...(last_applied === undefined ? {} : { lastApplied: last_applied }),
    });
    this.feed({ kind: 'link-opened', connection: this.connection });
    this.deliver();
    this.hear();
  }

  private feed(event: AgentEvent): void {
    const reduced = reduceAgent(this.state, event, NOW);
    this.state = reduced.state;
    this.carryOut(reduced.effects);
  }

  private carryOut(effects: readonly AgentEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'journal') {
        for (const record of effect.records) {
          const launchId = this.image.tasks.get(effect.run)?.launchId;
          if (record.kind === 'update') {
            this.launchOfUuid.set(record.status.uuid ?? '', launchId);
          }
          applyRecord(this.image, record);
        }
      } else if (effect.kind === 'launch') this.begin(effect);
      else if (effect.kind === 'kill') this.terminate(effect.run);
      else if (effect.kind === 'send-update' || effect.kind === 'tell-status') {
        const { status, frameworkId: owner, launchId } = effect;
        this.uplink.push({
          framework_id: { value: owner },
          status,
          latest_state: effect.kind === 'send-update' ? effect.latestState : status.state,
          ...(launchId === undefined ? {} : { launch_id: launchId }),
        });
      }
    }
  }

  private begin(effect: Extract<AgentEffect, { readonly kind: 'launch' }>): void {
    const { run, task, frameworkId: owner } = effect;
    const use = this.useOf(owner, task.task_id.value);
    const launchId = present(this.state.tasks.get(run)?.launchId, 'a launch has an id');
    const name = JSON.stringify([owner, use.id, launchId]);
    assert(!this.started.has(name), `launch ${name} is started once`);
    this.started.add(name);
    this.processes.set(run, { use, launchId, isDying: false });
    this.starting.push(run);
  }

  private terminate(run: RunKey): void {
    const process = this.processes.get(run);
    if (process === undefined) return;
    const { use, launchId } = process;
    const isWanted = sameLaunch(use.launchId, launchId) && !use.isKilled && !use.isFree;
    assert(!isWanted, `task ${use.id} of ${use.framework} is ended by nobody but its framework`);
    process.isDying = true;
  }

  /** What a framework is told of an id is about its last launch. */
  private hear(): void {
    for (const framework of new Set(this.uses.map((one) => one.framework))) {
      const statuses = this.master.statusesOf(nameOf(framework));
      for (const status of statuses.slice(this.heard.get(framework) ?? 0)) {
        const use = this.useOf(framework, status.task_id.value);
        const { uuid, state } = status;
        const isLost = state === 'TASK_DROPPED' || state === 'TASK_LOST';
        assert(!isLost, `${use.id} of ${use.framework} is lost: ${status.message}`);
        if (uuid !== undefined) {
          assert(
            sameLaunch(this.launchOfUuid.get(uuid), use.launchId),
            `${status.state} of an earlier launch of ${use.id} is told`,
          );
          this.inbox.push({ use, status });
        } else if (isEnd(status)) use.isFree = true;
      }
      this.heard.set(framework, statuses.length);
    }
  }

  private useOf(framework: string, id: string): Use {
    const found = this.uses.find((use) => use.framework === framework && use.id === id);
    return present(found, `task ${id} of ${framework} is known`);
  }
}

/** A framework's stream: the first two that subscribe. */
const nameOf = (framework: string): string => (framework.endsWith('0000') ? 'F' : 'G');

const isEnd = ({ state }: TaskStatus): boolean => isTerminalTaskState(state as TaskState);

const sameLaunch = (left: LaunchId | undefined, right: LaunchId | undefined): boolean =>
  left?.epoch === right?.epoch && left?.number === right?.number;
