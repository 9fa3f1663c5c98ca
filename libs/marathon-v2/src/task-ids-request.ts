import { asString, readList, readObject } from './object-reader.js';
import { type Outcome, ProblemLog } from './refusal.js';

/** Ids named in one request. */
const MAX_TASK_IDS = 100_000;

/** Reads the body of POST /v2/tasks/delete: `{"ids": [...]}`. */
export function readTaskIds(body: unknown): Outcome<readonly string[]> {
  const problems = new ProblemLog();
  const ids = readObject(body, '', problems, (reader) => {
    if (!reader.has('ids')) reader.reportMissing('ids');
    const found = reader.strings('ids');
    if (found !== undefined && found.length > MAX_TASK_IDS) {
      problems.reportRule('/ids', `${found.length} ids are above the maximum ${MAX_TASK_IDS}`);
    }
    return found;
  });
  return problems.conclude(ids);
}

const INSTANCE_ID = /^.+\.(?:instance-|marathon-)[^.]+$/;

/** Reads the body of DELETE /v2/pods/{id}::instances: a list of instance ids. */
export function readInstanceIds(body: unknown): Outcome<readonly string[]> {
  const problems = new ProblemLog();
  const ids = readList(body, '', problems, asString(problems));
  if (ids !== undefined && ids.length > MAX_TASK_IDS) {
    problems.reportRule('/', `${ids.length} ids are above the maximum ${MAX_TASK_IDS}`);
  }
  ids?.forEach((id, index) => {
    if (INSTANCE_ID.test(id)) return;
    problems.reportRule(`(${index})`, `'${id.slice(0, 200)}' is not <pod>.instance-<uuid>`);
  });
  return problems.conclude(ids);
}
