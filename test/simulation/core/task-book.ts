import {
  containsResources,
  isTerminalTaskState,
  type Resources,
  subtractResources,
  type TaskState,
} from '#core';
import {
  decodeResources,
  type ExecutorInfo,
  encodeResources,
  type TaskInfo,
  type TaskStatus,
  type WireOffer,
  type WireResource,
} from '#mesos-v1';
import type { SeededRandom } from '../../support/seeded-random.js';
import { carve, reserved, select } from './carve.js';
import {
  commandOf,
  type Demand,
  dataOf,
  EXECUTOR_SIZE,
  type FrameworkHabits,
  toExecutor,
} from './demand.js';
import type { FrameworkSnapshot, StoredTask } from './framework-store.js';
import { GROUP_SIZE, isGrouped, toGroupExecutor } from './task-groups.js';

/** A task that is about to be launched. */
export interface PackedTask {
  readonly stored: StoredTask;
  readonly info: TaskInfo;
  /** What has to be reserved for it first. */
  readonly reserve: readonly WireResource[];
  /** Launched together with the others of this executor. */
  readonly group?: ExecutorInfo;
}

/** What one life of a framework knows of its tasks, and what it still wants. */
export class TaskBook {
  readonly tasks = new Map<string, StoredTask>();
  private nextTask = 0;

  constructor(
    private readonly parts: {
      readonly habits: FrameworkHabits;
      readonly demands: readonly Demand[];
      readonly random: SeededRandom;
    },
  ) {}

  restore(snapshot: FrameworkSnapshot): void {
    this.nextTask = snapshot.nextTask;
    for (const task of snapshot.tasks) this.tasks.set(task.id, task);
  }

  /** Negative: so many are too much. */
  missingOf(demand: Demand): number {
    let missing = demand.count;
    for (const task of this.tasks.values()) {
      if (isActive(task, demand) || isDone(task, demand)) missing -= 1;
    }
    return missing;
  }

  wantsOf(role: string): boolean {
    return this.parts.demands.some((demand) => demand.role === role && this.missingOf(demand) > 0);
  }

  /** Of services of which there are too many. */
  surplus(): readonly StoredTask[] {
    return this.parts.demands.flatMap((demand) => {
      const surplus = demand.kind === 'service' ? -this.missingOf(demand) : 0;
      if (surplus <= 0) return [];
      return [...this.tasks.values()].filter((task) => isActive(task, demand)).slice(0, surplus);
    });
  }

  open(): readonly StoredTask[] {
    return [...this.tasks.values()].filter((task) => !isOver(task));
  }

  /** What of the demands fits into the offer. */
  pack(offer: WireOffer, role: string): readonly PackedTask[] {
    const { habits, demands, random } = this.parts;
    const packed: PackedTask[] = [];
    let rest = decodeResources(offer.resources);
    const running = new Set((offer.executor_ids ?? []).map(({ value }) => value));
    for (const demand of demands) {
      if (demand.role !== role) continue;
      let missing = this.missingOf(demand);
      if (isGrouped(demand, habits)) {
        const grouped = this.packGroup(demand, offer, { missing, rest });
        packed.push(...grouped.packed);
        rest = grouped.rest;
        continue;
      }
      while (missing > 0 && packed.length < habits.tasksPerOffer) {
        const isTooBig = random.chance(habits.errs);
        const isCharged = demand.executor !== undefined && !running.has(demand.executor);
        const needed = isCharged ? EXECUTOR_SIZE : NOTHING;
        if (!containsResources(rest, needed)) break;
        const room = subtractResources(rest, needed);
        const size = isTooBig ? TOO_BIG : carve(room, demand.size);
        if (size === undefined) break;
        packed.push(this.make(demand, offer, { size, isReserved: this.reserves(demand) }));
        if (!isTooBig) {
          rest = subtractResources(room, size);
          if (demand.executor !== undefined) running.add(demand.executor);
        }
        missing -= 1;
      }
    }
    return packed;
  }

  /** As many of what is missing as make one group, if they fit with their executor. */
  private packGroup(
    demand: Demand,
    offer: WireOffer,
    given: { readonly missing: number; readonly rest: Resources },
  ): { readonly packed: readonly PackedTask[]; readonly rest: Resources } {
    const held = carve(given.rest, EXECUTOR_SIZE);
    const nothing = { packed: [], rest: given.rest };
    if (given.missing <= 0 || held === undefined) return nothing;
    let rest = subtractResources(given.rest, held);
    const sizes: Resources[] = [];
    while (sizes.length < Math.min(GROUP_SIZE, given.missing)) {
      const size = carve(rest, demand.size);
      if (size === undefined) return nothing;
      sizes.push(size);
      rest = subtractResources(rest, size);
    }
    const group = toGroupExecutor(
      `${this.parts.habits.name}.${this.nextTask}`,
      encodeResources(held, { isRefined: true }),
    );
    const packed = sizes.map((size) => ({
      ...this.make(demand, offer, { size, isReserved: false }),
      group,
    }));
    return { packed, rest };
  }

  private reserves({ kind, role }: Demand): boolean {
    return this.parts.habits.reserves && kind === 'service' && role !== '*';
  }

  /** What is to be stored of a status; undefined: its end is known already. */
  take(task: StoredTask, status: TaskStatus): StoredTask | undefined {
    if (isFinal(task)) return undefined;
    const state = status.state as TaskState;
    const isLost = state === 'TASK_UNKNOWN' || state === 'TASK_LOST';
    const isUnseen = state === 'TASK_UNREACHABLE' && this.parts.habits.replacesUnreachable;
    return this.put({ ...task, state, isGivenUp: task.isGivenUp || isLost || isUnseen });
  }

  put(task: StoredTask): StoredTask {
    this.tasks.set(task.id, task);
    return task;
  }

  private make(
    demand: Demand,
    offer: WireOffer,
    given: { readonly size: Resources; readonly isReserved: boolean },
  ): PackedTask {
    const id = `${this.parts.habits.name}.${this.nextTask}`;
    this.nextTask += 1;
    const agentId = offer.agent_id.value;
    const stored = this.put({
      id,
      demand: demand.id,
      agentId,
      state: 'launching',
      isGivenUp: false,
      ...(demand.executor === undefined ? {} : { executor: demand.executor }),
    });
    const size = given.isReserved ? reserved(given.size, demand.role) : given.size;
    const plain = select(given.size, 'unreserved');
    const reserve = given.isReserved ? reserved(plain, demand.role) : NOTHING;
    const info: TaskInfo = {
      name: demand.id,
      task_id: { value: id },
      agent_id: offer.agent_id,
      resources: encodeResources(size, { isRefined: true }),
      ...toWork(demand),
    };
    const executor =
      demand.isGrouped && demand.executor !== undefined && toExecutor(demand.executor);
    return {
      stored,
      info,
      reserve: encodeResources(reserve, { isRefined: true }),
      ...(executor ? { group: executor } : {}),
    };
  }
}

/** The executor of a group is that of the group. */
function toWork(demand: Demand): Pick<TaskInfo, 'command' | 'executor' | 'data'> {
  const { executor, isGrouped } = demand;
  if (executor === undefined) return { command: { value: commandOf(demand) } };
  const data = dataOf(demand);
  return isGrouped ? { data } : { data, executor: toExecutor(executor) };
}

const NOTHING: Resources = { scalars: {}, ranges: {} };
/** More than any agent has. */
const TOO_BIG: Resources = { scalars: { cpus: 1_000_000 }, ranges: {} };

/** Its end is known, and nothing can contradict that. */
export const isFinal = ({ state }: StoredTask): boolean =>
  state !== 'launching' &&
  state !== 'TASK_LOST' &&
  state !== 'TASK_GONE_BY_OPERATOR' &&
  isTerminalTaskState(state);

/** Its end is known, or it is believed to be lost. */
export const isOver = ({ state }: StoredTask): boolean =>
  state === 'TASK_UNKNOWN' || (state !== 'launching' && isTerminalTaskState(state));

export const isActive = (task: StoredTask, demand: Demand): boolean =>
  task.demand === demand.id && !task.isGivenUp && !isOver(task);

export const isDone = (task: StoredTask, { id, kind }: Demand): boolean =>
  kind === 'batch' && task.demand === id && task.state === 'TASK_FINISHED';
