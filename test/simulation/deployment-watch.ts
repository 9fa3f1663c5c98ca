import { type Deployment, isDormant, isTerminalCondition } from '#core';
import type { Committed, StoredState } from './stored-state.js';
import type { World } from './world.js';

type Command = 'pause' | 'resume' | 'promote';

/** Two clocks are read: by the engine when it decides, and here when it is stored. */
const TOLERANCE_MS = 50;

/** What is known of one since it began. */
interface Clock {
  readonly limits: Deployment['limits'];
  /** While it counted, until {@link sinceMs}. */
  ranMs: number;
  /** Undefined: it stands still. */
  sinceMs: number | undefined;
  /** The wall clock was set meanwhile, or another controller went on by it. */
  jumps: number;
}

/**
 * What a deployment may become. Paused ones go on and canaries are promoted only when somebody says so, what is counted is
 * not forgotten, one succeeds when it has done all it was to do, fails for a reason that is true, and what is undone is as
 * it was.
 */
export class DeploymentWatch {
  private readonly told = new Map<string, number>();
  private readonly clocks = new Map<string, Clock>();
  /** Told of an app that is as it was before a deployment which failed or was aborted. */
  onUndone: (app: string) => void = () => undefined;

  constructor(
    private readonly world: World,
    private readonly stored: StoredState,
  ) {}

  /** A client is about to tell a deployment something; whether it arrives nobody knows. */
  asked(id: string, command: Command): void {
    this.told.set(`${id} ${command}`, (this.told.get(`${id} ${command}`) ?? 0) + 1);
  }

  committed({ deployments }: Committed): void {
    for (const { before, after } of deployments) {
      if (after === undefined) continue;
      if (before === undefined) this.begun(after);
      else this.changed(before, after);
      if (before?.rolledBackBy === undefined && after.rolledBackBy !== undefined)
        this.undone(after);
    }
  }

  private begun(deployment: Deployment): void {
    const { id, rollbackOf, limits } = deployment;
    const { nowMs, clockJumps } = this.world;
    this.clocks.set(id, { limits, ranMs: 0, sinceMs: nowMs, jumps: clockJumps });
    if (rollbackOf === undefined) return;
    if (limits !== undefined) this.violate(id, 'undoes another one and has limits of its own');
    const undone = this.stored.deployments.get(rollbackOf);
    if (undone === undefined) this.violate(id, `undoes ${rollbackOf}, which nobody knows`);
    else if (undone.state === 'Running') this.violate(id, `undoes ${rollbackOf}, which still runs`);
  }

  private changed(before: Deployment, after: Deployment): void {
    const { id } = after;
    if (before.state !== 'Running') {
      if (before.state !== after.state) {
        this.violate(id, `is ${after.state} after it was ${before.state}`);
      }
      return;
    }
    this.followClock(before, after);
    if (after.state === 'Failed') this.failed(after);
    if (after.state === 'Succeeded') this.succeeded(after);
    if ((after.failures ?? 0) < (before.failures ?? 0)) {
      this.violate(id, `has ${after.failures ?? 0} failures after ${before.failures}`);
    }
    if (after.currentStep < before.currentStep) {
      this.violate(id, `is in step ${after.currentStep} after step ${before.currentStep}`);
    }
    if (after.state === 'Running') this.followHolds(before, after);
  }

  private followHolds(before: Deployment, after: Deployment): void {
    const { id } = after;
    if (before.pause !== undefined && after.pause === undefined) this.take(id, 'resume');
    if (before.pause === undefined && after.pause !== undefined) {
      if (after.pause.afterBatch === undefined) this.take(id, 'pause');
    }
    if (before.pause !== undefined && after.currentStep !== before.currentStep) {
      if (after.pause !== undefined) this.violate(id, 'takes a step while it is paused');
    }
    for (const [app, progress] of Object.entries(before.progress ?? {})) {
      const now = after.progress?.[app as keyof typeof after.progress];
      if ((now?.batches ?? 0) < progress.batches) this.violate(id, `forgets a batch of ${app}`);
      if (progress.isPromoted === true && now?.isPromoted !== true) {
        this.violate(id, `forgets that the canaries of ${app} are good`);
      }
    }
    const promotedBefore = promotedIn(before);
    if (promotedIn(after) > promotedBefore) this.take(id, 'promote', { isKept: true });
  }

  /** Somebody has asked for it, once for each time. */
  private take(id: string, command: Command, options: { readonly isKept?: boolean } = {}): void {
    const key = `${id} ${command}`;
    const left = this.told.get(key) ?? 0;
    if (left === 0) this.violate(id, `does what nobody told it: ${command}`);
    else if (options.isKept !== true && command !== 'resume') this.told.set(key, left - 1);
  }

  private followClock(before: Deployment, after: Deployment): void {
    const clock = this.clocks.get(after.id);
    if (clock === undefined) return;
    const { nowMs } = this.world;
    const isCounting = after.state === 'Running' && !isHeld(after);
    if (clock.sinceMs !== undefined && !isCounting) {
      clock.ranMs += nowMs - clock.sinceMs;
      clock.sinceMs = undefined;
    } else if (clock.sinceMs === undefined && isCounting && isHeld(before)) clock.sinceMs = nowMs;
  }

  /** Nothing of an older definition is left, and jobs have finished; how many serve may have changed since its step. */
  private succeeded({ id, steps }: Deployment): void {
    const { stored } = this;
    for (const { app: name } of steps.flatMap(({ actions }) => actions)) {
      const app = stored.apps.get(name);
      if (app === undefined) continue;
      const { lastConfigChangeAt } = app.versionInfo;
      const old = stored.instancesOf(name).find((one) => {
        const isThere = !isDormant(one) && !isTerminalCondition(one.condition);
        return isThere && stored.configOf(one) !== lastConfigChangeAt;
      });
      if (old !== undefined) this.violate(id, `has succeeded, and ${old.id} is an old one`);
      const job = stored.jobs.get(name);
      const completed = job?.run === lastConfigChangeAt ? job.completed : 0;
      if (app.workload === 'job' && completed < app.instances) {
        this.violate(
          id,
          `has succeeded, and ${completed} of ${app.instances} of ${name} have finished`,
        );
      }
    }
  }

  private failed({ id, failures = 0, reason = '', rolledBackBy }: Deployment): void {
    const clock = this.clocks.get(id);
    const limits = clock?.limits;
    const deadlineMs = (limits?.deadlineSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
    const hasJumped = clock?.jumps !== this.world.clockJumps;
    const isOverdue = (clock?.ranMs ?? 0) >= deadlineMs - TOLERANCE_MS;
    const isByDeadline = deadlineMs < Number.POSITIVE_INFINITY && (isOverdue || hasJumped);
    const isByFailures = failures > (limits?.maxFailures ?? Number.POSITIVE_INFINITY);
    const isByJob = reason.includes('the job has failed');
    if (!isByDeadline && !isByFailures && !isByJob) {
      this.violate(id, `fails for no good reason: ${reason}`);
    }
    if (!this.world.isEverFaulty && !isByDeadline) {
      this.violate(id, `fails while nothing fails: ${reason}`);
    }
    const wantsRollback = limits?.autoRollback === true && !isByJob;
    if (wantsRollback && rolledBackBy === undefined && !reason.includes('not rolled back')) {
      this.violate(id, 'has failed and nothing undoes it');
    }
    if (limits?.autoRollback !== true && rolledBackBy !== undefined) {
      this.violate(id, 'is undone and should not be');
    }
  }

  /** Apps the deployment changed are what they were before it, each field and the version too. */
  private undone({ id, originalRevision, targetRevision, rolledBackBy }: Deployment): void {
    const original = this.stored.rootAt(originalRevision);
    const target = this.stored.rootAt(targetRevision);
    for (const app of new Set([...original.keys(), ...target.keys()])) {
      const before = original.get(app);
      if (before?.version === target.get(app)?.version) continue;
      const now = this.stored.apps.get(app);
      if (JSON.stringify(now) !== JSON.stringify(before)) {
        const texts = [now, before].map((one) => JSON.stringify(one) ?? 'nothing');
        this.violate(id, `is undone by ${rolledBackBy}: ${app} is ${texts[0]} and was ${texts[1]}`);
      }
      this.onUndone(app);
    }
  }

  private violate(id: string, what: string): void {
    this.world.violate(`deployment ${id} ${what}`);
  }
}

const promotedIn = ({ progress = {} }: Deployment): number =>
  Object.values(progress).filter(({ isPromoted }) => isPromoted === true).length;

/** Its time does not count: it is paused, or canaries wait for somebody's word. */
export const isHeld = ({ pause, progress = {} }: Deployment): boolean =>
  pause !== undefined ||
  Object.values(progress).some(
    (one) => one.canaryWaitsSinceEpochMs !== undefined && one.isPromoted !== true,
  );
