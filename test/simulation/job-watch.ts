import { type Instance, isTerminalCondition } from '#core';
import type { Committed, Pair, StoredState } from './stored-state.js';
import type { World } from './world.js';

/**
 * A job runs each of its instances until it has finished: what is told to have finished is counted, once and for all, and
 * not run again; what fails is run again as often as it may, and after that nothing of the run is launched any more.
 */
export class JobWatch {
  constructor(
    private readonly world: World,
    private readonly stored: StoredState,
    /** What the controller that leads was told last of a task. */
    private readonly lastState: (task: string) => string | undefined,
  ) {}

  committed({ instances, jobs }: Committed): void {
    for (const { before, after } of jobs) {
      if (before === undefined || after === undefined || before.run !== after.run) continue;
      if (after.completed < before.completed || after.failed < before.failed) {
        this.world.violate(
          `job ${after.appId} has ${after.completed} completed and ${after.failed} failed after ${before.completed} and ${before.failed}`,
        );
      }
    }
    for (const app of new Set(instances.map(({ before, after }) => (after ?? before)?.appId))) {
      if (app !== undefined) this.compare(app, instances, jobs);
    }
    for (const { before, after } of instances) {
      const isLaunched = after?.condition === 'Provisioned' && before?.condition !== 'Provisioned';
      if (isLaunched) this.launched(after);
    }
  }

  /** What ended in this transaction with TASK_FINISHED is what it counts. */
  private compare(id: string, instances: readonly Pair<Instance>[], jobs: Committed['jobs']): void {
    const app = this.stored.apps.get(id);
    const progress = this.stored.jobs.get(id);
    const run = app?.versionInfo.lastConfigChangeAt;
    if (app?.workload !== 'job' || progress === undefined || progress.run !== run) return;
    const pair = jobs.find(({ after }) => after?.appId === id);
    const before = pair === undefined ? progress : pair.before;
    const counted = progress.completed - (before?.run === run ? (before?.completed ?? 0) : 0);
    const finished = instances.filter(
      ({ before: was, after }) =>
        was?.appId === id &&
        after === undefined &&
        this.stored.configOf(was) === run &&
        this.lastState(was.taskId) === 'TASK_FINISHED',
    );
    if (counted === finished.length) return;
    const names = finished.map(({ before: was }) => was?.id).join(', ');
    this.world.violate(`job ${id} counts ${counted} more, and these have finished: ${names}`);
  }

  private launched(instance: Instance): void {
    const { stored, world } = this;
    // One whose turn in a deployment has not come goes on as it was before.
    const app = stored.appVersion(instance.appId, instance.appVersion);
    const progress = stored.jobs.get(instance.appId);
    if (app?.workload !== 'job') return;
    const what = `instance ${instance.id} of a job is launched`;
    const run = app.versionInfo.lastConfigChangeAt;
    if (progress?.run !== run) {
      world.violate(`${what}, and its run has not begun`);
      return;
    }
    if (progress.failed > 0) world.violate(`${what}, and the job has failed`);
    const alive = stored
      .instancesOf(app.id)
      .filter((one) => !isTerminalCondition(one.condition) && stored.configOf(one) === run)
      .filter(({ condition }) => condition !== 'UnreachableInactive');
    if (progress.completed + alive.length > app.instances) {
      world.violate(
        `${what}: ${progress.completed} have finished and ${alive.length} run, of ${app.instances}`,
      );
    }
    if ((instance.failedBefore ?? 0) > (app.maxRetries ?? 0)) {
      world.violate(`${what} after ${instance.failedBefore} failures`);
    }
  }
}
