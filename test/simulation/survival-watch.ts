import type { MasterTask } from '#cluster';
import {
  type App,
  type Instance,
  isTerminalTaskState,
  type JobProgress,
  type TaskId,
  type TaskState,
  taskId,
} from '#core';
import type { TaskStatus } from '#mesos-v1';
import type { MasterEngine } from '../../apps/master/src/engine/master-engine.js';
import type { World } from './world.js';

/** How long before an agent is given up its own troubles count, and how much of it they must fill. */
const SILENCE_MS = 15_000;
const EXCUSE_MS = 3_000;

/** What the watch needs to know of what is stored. */
export interface StoredState {
  readonly apps: ReadonlyMap<string, App>;
  readonly instances: ReadonlyMap<string, Instance>;
  readonly jobs: ReadonlyMap<string, JobProgress>;
  /** Apps a running deployment is about. */
  readonly busyApps: ReadonlySet<string>;
  /** A definition that is or was stored. */
  readonly appVersion: (id: string, version: string) => App | undefined;
}

/**
 * Tasks outlive us: a process ends by itself, with its machine, or because somebody who may decide that did. Whatever
 * happens to agents, masters, controllers and the database for less than their timeouts is no reason, and neither is it
 * one to tell that a process has ended which runs.
 */
export class SurvivalWatch {
  private readonly reasons = new Map<string, string>();
  private readonly conditions = new WeakMap<MasterEngine, Map<string, string>>();
  private readonly epochs = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly isRunning: (task: TaskId) => boolean,
    /** Its own name for a task of a master, where several frameworks use one id. */
    private readonly nameOf: (task: MasterTask) => TaskId = ({ id }) => id,
  ) {}

  /** From now on the task may be ended, or believed to have ended. */
  mayEnd(task: string, why: string): void {
    this.reasons.set(task, why);
  }

  /** The same of a task a master has. */
  mayEndAt(task: MasterTask, why: string): void {
    this.mayEnd(this.nameOf(task), why);
  }

  /** An agent ends a process that runs. */
  ending(task: string, host: string, how: string): void {
    if (this.reasons.has(task)) return;
    this.world.violate(`${task} runs on ${host} and is ended by its agent (${how}) for no reason`);
  }

  /** The framework sends a KILL. */
  killing(task: string, instance: Instance | undefined): void {
    if (instance?.goal === 'Running' && instance.condition === 'Running' && this.isWanted(task)) {
      this.world.violate(`${task} runs, is wanted, and is killed by the controller`);
    }
    this.mayEnd(task, 'the controller killed it');
  }

  /** The controller has stored that a running instance is to end: a change, a deployment or a surplus must be why. */
  decommissioned(before: Instance, state: StoredState): void {
    const task = before.taskId;
    if (before.condition !== 'Running' || !this.isRunning(task) || !this.isWanted(task)) return;
    const app = state.apps.get(before.appId);
    if (app === undefined || state.busyApps.has(app.id)) return;
    const siblings = [...state.instances.values()].filter(
      ({ appId, goal }) => appId === app.id && goal === 'Running',
    );
    // Edits in place and scaling leave what runs as it is.
    const runs = state.appVersion(app.id, before.appVersion)?.versionInfo.lastConfigChangeAt;
    const isOutdated = runs !== app.versionInfo.lastConfigChangeAt;
    // What a run of a job has done already needs no instance any more.
    const job = app.workload === 'job' ? state.jobs.get(app.id) : undefined;
    const done = job?.run === app.versionInfo.lastConfigChangeAt ? job.completed + job.failed : 0;
    if (siblings.length + done >= app.instances || isOutdated) return;
    this.world.violate(`${task} runs, is wanted, and is given up by the controller`);
  }

  /** The framework is told of a task. */
  told(status: TaskStatus): void {
    const task = status.task_id.value;
    if (status.state === 'TASK_GONE_BY_OPERATOR') this.mayEnd(task, 'an operator gave it up');
    const isEnd = isTerminalTaskState(status.state as TaskState);
    if (!isEnd || !this.isWanted(task) || !this.isRunning(taskId(task))) return;
    this.world.violate(`${task} runs, and ${status.state} is told (${status.reason ?? ''})`);
  }

  /** Looks for agents the master has given up. Their own troubles are a reason, those of others are not. */
  check(engine: MasterEngine): void {
    const known = this.conditions.get(engine) ?? new Map<string, string>();
    this.conditions.set(engine, known);
    for (const { id, condition, info, tasks } of engine.state.agents.values()) {
      const before = known.get(id);
      if (before === condition) continue;
      known.set(id, condition);
      if (condition !== 'unreachable' || before === undefined) continue;
      const running = [...tasks].filter(
        (task) => this.isRunning(this.nameOf(task)) && this.isWanted(this.nameOf(task)),
      );
      if (running.length === 0) continue;
      const troubleMs = this.world.troubles.lately(info.hostname, SILENCE_MS);
      if (troubleMs >= EXCUSE_MS) continue;
      this.world.violate(
        `${info.hostname} is given up while ${running.length} tasks run, after ${Math.round(troubleMs)} ms of trouble in ${SILENCE_MS} ms`,
      );
    }
  }

  /** An agent subscribes: a lower epoch than it told before would let a deposed master command it. */
  subscribing(host: string, epoch: number): void {
    const before = this.epochs.get(host) ?? 0;
    if (epoch < before) {
      this.world.violate(`${host} would obey epoch ${epoch} after it has seen ${before}`);
    }
    this.epochs.set(host, epoch);
  }

  /** The host has lost its disk, and with it what it knew of epochs and tasks. */
  forgotten(host: string, tasks: Iterable<TaskId>): void {
    this.epochs.delete(host);
    for (const task of tasks) this.mayEnd(task, 'its agent lost its disk');
  }

  /** It runs, and nobody who may has given it up. */
  isWanted(task: string): boolean {
    return !this.reasons.has(task);
  }
}
