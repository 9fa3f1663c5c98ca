import { hasCustomExecutor, isResident } from '#core';
import type { Definition } from './complete-app.js';
import type { ProblemLog } from './refusal.js';
import type { Report } from './rule-report.js';

/** As of a URI that is fetched. */
const MAX_EXECUTOR_LENGTH = 1024;

/** The executor's own id, `marathon-<safe path>.instance-<uuid>._app.1`, has at most 255 characters. */
const MAX_ID_LENGTH = 1 + 255 - 'marathon-'.length - '.instance-'.length - 36 - '._app.1'.length;

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
  if (app.id.length > MAX_ID_LENGTH) {
    report(
      '/executor',
      `cannot be '${executor}' with an id of ${app.id.length} characters, the limit is ${MAX_ID_LENGTH}`,
    );
  }
  const only = `only the executor //cmd has, not '${executor}'`;
  if (app.gpus > 0) report('/gpus', `${app.gpus} must be 0: GPUs ${only}`);
  if (app.resourceLimits !== undefined) {
    report('/resourceLimits', `must not be given: limits beyond the request ${only}`);
  }
  if (isResident(app)) {
    report('/container/volumes', `must not be persistent: volumes of its own ${only}`);
  }
}

/** The command executor takes nothing for itself; another has to run what agents check for commands. */
export function warnOfExecutor(
  app: Definition,
  at: { readonly path: string; readonly problems: ProblemLog },
): void {
  const warn = (text: string): void => at.problems.warn(`${at.path}${text}`);
  if (!hasCustomExecutor(app)) {
    if (app.executorResources === undefined) return;
    warn(
      '/executorResources has no effect with the executor //cmd, which takes nothing for itself',
    );
    return;
  }
  const byExecutor = `is run by the executor '${app.executor}', if it can, and not by the agent`;
  for (const [index, { protocol }] of app.healthChecks.entries()) {
    const isOfAgent = protocol === 'COMMAND' || protocol.startsWith('MESOS_');
    if (isOfAgent) warn(`/healthChecks(${index}) ${byExecutor}`);
  }
  if (app.check !== undefined) warn(`/check ${byExecutor}`);
}
