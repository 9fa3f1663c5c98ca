import { readObject } from './object-reader.js';
import { type Outcome, ProblemLog } from './refusal.js';
import { readRouterStatistics } from './router-statistics.js';
import type { RouterReport } from './wire-app.js';

const MAX_REPORTED_TASKS = 100_000;
const MAX_URL_CHARS = 2_048;

/** Reads the body of PUT /v2/routers/{id}. */
export function readRouterReport(body: unknown): Outcome<RouterReport> {
  const problems = new ProblemLog();
  const report = readObject(body, '', problems, (reader) => {
    for (const name of ['appliedSequence', 'drainedTasks']) {
      if (!reader.has(name)) reader.reportMissing(name);
    }
    const appliedSequence = reader.number('appliedSequence') ?? 0;
    if (!Number.isSafeInteger(appliedSequence) || appliedSequence < 0) {
      problems.reportRule('/appliedSequence', `${appliedSequence} is not a whole number from 0`);
    }
    const drainedTasks = reader.strings('drainedTasks') ?? [];
    const busyTasks = reader.strings('busyTasks');
    for (const [name, tasks] of Object.entries({ drainedTasks, busyTasks })) {
      const count = tasks?.length ?? 0;
      if (count <= MAX_REPORTED_TASKS) continue;
      problems.reportRule(`/${name}`, `${count} tasks are above the maximum ${MAX_REPORTED_TASKS}`);
    }
    const url = reader.string('url');
    if ((url?.length ?? 0) > MAX_URL_CHARS) {
      problems.reportRule(
        '/url',
        `it has ${url?.length} characters; at most ${MAX_URL_CHARS} are allowed`,
      );
    }
    const { statistics, notes } = readRouterStatistics(reader.raw('statistics'));
    for (const note of notes) problems.warn(note);
    return {
      appliedSequence,
      drainedTasks,
      ...(busyTasks === undefined ? {} : { busyTasks }),
      ...(url === undefined ? {} : { url }),
      ...(statistics === undefined ? {} : { statistics }),
    };
  });
  return problems.conclude(report);
}
