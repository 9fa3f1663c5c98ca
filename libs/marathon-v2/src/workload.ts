import { type App, isResident } from '#core';
import type { ProblemLog } from './refusal.js';
import { checkRange, type Report } from './rule-report.js';
import type { AppFields } from './written-app.js';

type Definition = Omit<App, 'version' | 'versionInfo'>;

/** Runs of an instance of a job after its first, unless the app says otherwise. */
export const DEFAULT_MAX_RETRIES = 3;
/** Bound of ours: every possible number of failures is counted. */
const MAX_RETRIES = 100;

/**
 * The fields of an app that is no service, completed: what is not said is absent, and a daemon has no count of its own,
 * so a constant one is kept.
 */
export function completeWorkload(
  fields: AppFields,
): Pick<Definition, 'workload' | 'maxRetries' | 'instances'> {
  const { workload = 'service', instances = 1, maxRetries } = fields;
  switch (workload) {
    case 'service':
      return maxRetries === undefined ? { instances } : { instances, maxRetries };
    case 'daemon':
      return { workload, instances: 1, ...(maxRetries === undefined ? {} : { maxRetries }) };
    case 'job':
      return { workload, instances, maxRetries: maxRetries ?? DEFAULT_MAX_RETRIES };
    default:
      return workload satisfies never;
  }
}

/** An agent that is away keeps its daemon for this long, seconds: nothing replaces it meanwhile. */
const DAEMON_EXPUNGE_SECONDS = 86_400;

/** A daemon that is out of sight is not started elsewhere, so there is no hurry to forget it. */
export const daemonUnreachableStrategy: App['unreachableStrategy'] = {
  inactiveAfterSeconds: 0,
  expungeAfterSeconds: DAEMON_EXPUNGE_SECONDS,
};

/** What a definition may not say because of its kind. */
export function validateWorkload(app: Definition, report: Report): void {
  if (app.maxRetries !== undefined && app.workload !== 'job') {
    report('/maxRetries', `${app.maxRetries} is for apps with workload job only`);
  }
  checkRange(app.maxRetries, { from: 0, to: MAX_RETRIES }, '/maxRetries', report);
  if (app.workload === undefined) return;
  for (const field of ['batches', 'canary'] as const) {
    if (app.rollout?.[field] === undefined) continue;
    report(`/rollout/${field}`, `is for services: a ${app.workload} has no count to share out`);
  }
  if (isResident(app)) {
    report('/container/volumes', `a ${app.workload} cannot have persistent volumes`);
  }
  if (app.workload === 'daemon') {
    app.constraints.forEach(([field, operator], index) => {
      if (operator !== 'GROUP_BY') return;
      report(
        `/constraints(${index})`,
        `${field} GROUP_BY shares a count out, and a daemon has none: it runs once on every agent`,
      );
    });
    return;
  }
  for (const field of ['healthChecks', 'readinessChecks'] as const) {
    if (app[field].length > 0) {
      report(`/${field}`, 'must be empty for a job: how its instances end says how they are');
    }
  }
}

/** Why a daemon cannot be scaled. */
export const CANNOT_SCALE_DAEMON =
  'a daemon runs once on every agent that can run it and cannot be scaled: constraints limit its agents';

/**
 * A count that is given for a daemon. Alone it asks for scaling, which is refused; beside other fields it is what a client
 * has read, and ignored.
 */
export function checkDaemonCount(
  before: App | undefined,
  given: AppFields,
  at: { readonly path: string; readonly problems: ProblemLog },
): void {
  const workload = given.workload ?? before?.workload;
  if (workload !== 'daemon' || given.instances === undefined) return;
  const isScaling = before?.workload === 'daemon' && Object.keys(given).length === 1;
  const path = `${at.path}/instances`;
  if (isScaling) at.problems.reportRule(path, CANNOT_SCALE_DAEMON);
  else at.problems.warn(`${path} ${given.instances} is ignored: ${CANNOT_SCALE_DAEMON}`);
}
