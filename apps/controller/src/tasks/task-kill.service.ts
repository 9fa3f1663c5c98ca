import { Injectable } from '@nestjs/common';
import type { App, AppId, InstanceCondition } from '#core';
import { isParked, taskId } from '#core';
import { scaleApps, toWireTask, type WireTask } from '#marathon-v2';
import { ApiError } from '#platform';
import { onlyBy } from '../changes/asked-by.js';
import { RootWriter } from '../changes/root-writer.js';
import type { InstanceView } from '../engine/controller-engine.port.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import type { KillOptions, KillResult } from './kill-request.js';

/** Conditions of an instance that can still be killed. */
const ACTIVE: ReadonlySet<InstanceCondition> = new Set<InstanceCondition>([
  'Provisioned',
  'Staging',
  'Starting',
  'Running',
  'Killing',
  'Unreachable',
  'UnreachableInactive',
]);

/** Finds tasks and kills them, with or without scaling their apps down. */
@Injectable()
export class TaskKillService {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly writer: RootWriter,
  ) {}

  /** Active instances of an app, on one host if one is named; `*` is every host. */
  tasksOf(app: App, host: string | undefined): readonly InstanceView[] {
    return this.runtime.engine.view
      .instancesOf(app.id)
      .filter(({ instance }) => ACTIVE.has(instance.condition) || isParked(instance))
      .filter(
        ({ instance }) =>
          host === undefined || host === '*' || instance.placement?.hostname === host,
      );
  }

  /** The instance of a task (or of an instance id) of this app, or 404. */
  findInstance(app: App, id: string): InstanceView {
    const { view } = this.runtime.engine;
    const found =
      view.instanceOfTask(taskId(id)) ??
      view.instancesOf(app.id).find(({ instance }) => instance.id === id);
    if (found === undefined || found.instance.appId !== app.id) throw missingTask(id);
    return found;
  }

  findTask(app: App, id: string): WireTask {
    const task = toWireTask(this.findInstance(app, id), app);
    if (task === undefined) throw missingTask(id);
    return task;
  }

  /** Instances of ids from a body; what looks like no task id is a 400, what does not run any more is left out. */
  findAll(ids: readonly string[]): readonly InstanceView[] {
    const { view } = this.runtime.engine;
    return [...new Set(ids)].flatMap((id) => {
      if (!TASK_ID.test(id)) throw invalidTaskId(id);
      return view.instanceOfTask(taskId(id)) ?? [];
    });
  }

  /** Kills the instances given; with `scale` their apps also shrink, never below 0. */
  async kill(found: readonly InstanceView[], options: KillOptions): Promise<KillResult> {
    // What is kept for an instance that does not run can be given up too.
    const active = found.filter(
      ({ instance }) => ACTIVE.has(instance.condition) || (options.wipe && isParked(instance)),
    );
    if (options.scale) return this.scaleDown(active, options);
    const { engine } = this.runtime;
    if (options.dryRun) {
      const ids = active.map(({ instance }) => instance.id);
      return { kind: 'previewed', preview: engine.previews.ofKill(ids) };
    }
    const tasks = active.flatMap((view) => this.toTask(view) ?? []);
    if (active.length > 0) {
      await engine.killInstances(
        active.map(({ instance }) => instance.id),
        { wipe: options.wipe, ...(options.force ? { force: true } : {}), ...onlyBy(options) },
      );
    }
    return { kind: 'killed', tasks };
  }

  private async scaleDown(
    active: readonly InstanceView[],
    options: KillOptions,
  ): Promise<KillResult> {
    const sentenced = active.filter(({ instance }) => instance.condition !== 'Killing');
    const fewer = new Map<AppId, number>();
    for (const { instance } of sentenced) {
      fewer.set(instance.appId, (fewer.get(instance.appId) ?? 0) + 1);
    }
    const change = await this.writer.change(
      (context) => {
        const counts = new Map<AppId, number>();
        for (const [id, count] of fewer) {
          const before = context.root.apps.get(id)?.instances ?? 0;
          counts.set(id, Math.max(0, before - count));
        }
        return scaleApps(context, counts);
      },
      {
        ...{ force: options.force, dryRun: options.dryRun, ...onlyBy(options) },
        sentenced: sentenced.map(({ instance }) => instance.id),
      },
    );
    return { kind: 'scaled', change };
  }

  private toTask(view: InstanceView): WireTask | undefined {
    return toWireTask(view, this.runtime.engine.view.root().apps.get(view.instance.appId));
  }
}

const TASK_ID = /^[^\s/]+\.(?:instance-|marathon-)?[0-9a-f]{8}-[0-9a-f-]{27}(?:\..+)?$/;

const missingTask = (id: string): ApiError => new ApiError(404, `Task '${id}' does not exist`);

const invalidTaskId = (id: string): ApiError =>
  new ApiError(
    400,
    `Invalid task id '${id.slice(0, 200)}'. [expected <app>.instance-<uuid>._app.<incarnation>]`,
  );
