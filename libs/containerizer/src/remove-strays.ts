/** Ends what earlier agents of the same scope started and nobody knows any more. */
import { type RunKey, readRunKey } from '#core';
import type { Hierarchy } from './cgroup-hierarchies.js';
import { type ProcessSnapshot, signalProcess } from './process-table.js';
import { cgroupName, listCgroupNames, listCgroupProcesses, removeCgroups } from './task-cgroup.js';
import { emptyTask } from './task-processes.js';

/** A supervisor that starts its task while we look is found in the next pass. */
const MAX_PASSES = 10;

/** Kills by cgroup name and by environment; returns the keys (or cgroup names) of what was found running. */
export async function endStrays(request: {
  readonly kept: ReadonlySet<RunKey>;
  readonly hierarchies: readonly Hierarchy[];
  readonly scope: string;
  readonly scan: () => Promise<ProcessSnapshot>;
}): Promise<readonly string[]> {
  const { kept, hierarchies, scope, scan } = request;
  const keptNames = new Set([...kept].map(cgroupName));
  const ended = new Set<string>();
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const found = await killByEnvironment(request, ended);
    for (const name of await listCgroupNames(hierarchies)) {
      if (keptNames.has(name) || name.startsWith('.')) continue;
      const pids = await listCgroupProcesses(hierarchies, name);
      // A directory name is its own cgroup name, so it stands in for the unknown key.
      await emptyTask({ run: readRunKey(name), hierarchies, scope, scan });
      if (pids.length > 0 && ![...ended].some((run) => cgroupName(run) === name)) {
        ended.add(name);
      }
      await removeCgroups(hierarchies, name);
    }
    if (!found) break;
  }
  return [...ended];
}

async function killByEnvironment(
  request: Parameters<typeof endStrays>[0],
  ended: Set<string>,
): Promise<boolean> {
  let found = false;
  const { byMark } = await request.scan();
  for (const { pid, run, scope } of [...byMark.values()].flat()) {
    if (scope !== request.scope || request.kept.has(run)) continue;
    found = signalProcess(pid, 'SIGKILL') || found;
    ended.add(run);
  }
  return found;
}
