import { hasCustomExecutor, isResident } from '#core';
import type { Definition } from './complete-app.js';
import type { ProblemLog } from './refusal.js';
import type { Report } from './rule-report.js';

/** As of a URI that is fetched. */
const MAX_EXECUTOR_LENGTH = 1024;

/** A path as Marathon takes it, and nothing that agents keep from executors they did not bring. */
export function validateExecutor(app: Definition, report: Report): void {
  const { executor } = app;
  if (executor.length > MAX_EXECUTOR_LENGTH) {
    report(
      '/executor',
      `is ${executor.length} characters long, the limit is ${MAX_EXECUTOR_LENGTH}`,
    );
    return;
  }
  if (!/^(?:\/\/cmd|\/?[^/]+(?:\/[^/]+)*|)$/.test(executor)) {
    report('/executor', `'${executor}' must be empty, //cmd or a path`);
    return;
  }
  if (!hasCustomExecutor(app)) return;
  const only = `only the executor //cmd has, not '${executor}'`;
  if (app.gpus > 0) report('/gpus', `${app.gpus} must be 0: GPUs ${only}`);
  if (app.resourceLimits !== undefined) {
    report('/resourceLimits', `must not be given: limits beyond the request ${only}`);
  }
  if (isResident(app)) {
    report('/container/volumes', `must not be persistent: volumes of its own ${only}`);
  }
}

/** The command executor takes nothing for itself, so nothing is taken for it. */
export function warnOfExecutorResources(
  app: Definition,
  at: { readonly path: string; readonly problems: ProblemLog },
): void {
  if (app.executorResources === undefined || hasCustomExecutor(app)) return;
  at.problems.warn(
    `${at.path}/executorResources has no effect with the executor //cmd, which takes nothing for itself`,
  );
}
