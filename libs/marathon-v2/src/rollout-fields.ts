import type { Rollout } from '#core';
import { type Definition, isResident, isSingleInstance } from './complete-app.js';
import { definedFields, MAX_INT, type ObjectReader } from './object-reader.js';
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

/** Batches and canaries beyond the instance count are no mistake: scaling must not make a definition invalid. */
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
