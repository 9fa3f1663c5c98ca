import { type App, isResident, isSameValue, type Rollout } from '#core';
import { type Definition, isSingleInstance } from './complete-app.js';
import { definedFields, MAX_INT, type ObjectReader } from './object-reader.js';
import type { ProblemLog } from './refusal.js';
import { checkRange, type Report } from './rule-report.js';

/** Bounds of ours. */
export const MAX_DEADLINE_SECONDS = 31_536_000;
export const MAX_BATCHES = 100;

/** How deployments of the app proceed. An empty object takes it away. */
export function readRollout(reader: ObjectReader): Rollout {
  return definedFields({
    deadlineSeconds: reader.integer('deadlineSeconds'),
    maxFailures: reader.integer('maxFailures'),
    autoRollback: reader.boolean('autoRollback'),
    batches: reader.integers('batches'),
    pauseAfterBatch: reader.boolean('pauseAfterBatch'),
    canary: reader.object('canary', (canary) => {
      if (!canary.has('instances')) canary.reportMissing('instances');
      const instances = canary.integer('instances');
      return instances === undefined ? undefined : { instances };
    }),
  });
}

/** The rules that no count of instances enters: {@link checkRolloutCounts}. */
export function validateRollout(app: Definition, report: Report): void {
  const { rollout } = app;
  if (rollout === undefined) return;
  checkRange(
    rollout.deadlineSeconds,
    { from: 1, to: MAX_DEADLINE_SECONDS },
    '/rollout/deadlineSeconds',
    report,
  );
  checkRange(rollout.maxFailures, { from: 0, to: MAX_INT }, '/rollout/maxFailures', report);
  validateBatches(rollout, report);
  validateCanary(app, report);
  if (rollout.autoRollback === true && !hasLimit(rollout)) {
    report('/rollout/autoRollback', 'needs deadlineSeconds or maxFailures: nothing else fails');
  }
}

const hasLimit = ({ deadlineSeconds, maxFailures }: Rollout): boolean =>
  deadlineSeconds !== undefined || maxFailures !== undefined;

function validateBatches({ batches, pauseAfterBatch }: Rollout, report: Report): void {
  if (pauseAfterBatch !== undefined && batches === undefined) {
    report('/rollout/pauseAfterBatch', 'needs batches');
  }
  if (batches === undefined) return;
  if (batches.length === 0) report('/rollout/batches', 'must have at least one batch');
  if (batches.length > MAX_BATCHES) {
    report('/rollout/batches', `${batches.length} batches are above the maximum ${MAX_BATCHES}`);
    return;
  }
  batches.forEach((count, index) => {
    checkRange(count, { from: 1, to: MAX_INT }, `/rollout/batches(${index})`, report);
  });
}

function validateCanary(app: Definition, report: Report): void {
  const { canary } = app.rollout ?? {};
  if (canary === undefined) return;
  checkRange(canary.instances, { from: 1, to: MAX_INT }, '/rollout/canary/instances', report);
  if (isResident(app) || isSingleInstance(app.labels)) {
    const what = isResident(app) ? 'an app with persistent volumes' : 'a single-instance app';
    report('/rollout/canary', `is not possible for ${what}: none may run beside the old one`);
  }
}

/**
 * Canaries and batches are shares of the app's instances. A rollout that asks for more than there are is refused. One
 * that the app had before may be outgrown: scaling must not fail for it, and the warning says what becomes of it.
 */
export function checkRolloutCounts(
  app: Definition,
  before: App | undefined,
  at: { readonly path: string; readonly problems: ProblemLog },
): void {
  const { rollout, instances } = app;
  // Of a suspended app nothing is renewed; daemons and jobs have neither.
  if (rollout === undefined || instances === 0 || app.workload !== undefined) return;
  const isKept = before !== undefined && isSameValue(before.rollout, rollout);
  const canaries = rollout.canary?.instances ?? 0;
  const report: Report = (field, error) => {
    if (isKept) at.problems.warn(`${at.path}${field} ${error}: fewer are renewed`);
    else at.problems.reportRule(`${at.path}${field}`, error);
  };
  checkShare(canaries, instances, '/rollout/canary/instances', report);
  const inBatches = (rollout.batches ?? []).reduce((sum, count) => sum + count, 0);
  checkShare(inBatches, Math.max(0, instances - canaries), '/rollout/batches', report);
}

function checkShare(count: number, most: number, field: string, report: Report): void {
  if (count <= most) return;
  const whose = field.endsWith('batches') ? 'beside the canaries' : 'of the app';
  report(field, `${count} in all is above the maximum ${most}, the instances ${whose}`);
}
