import { readdirSync, readFileSync } from 'node:fs';

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function listProcesses(): readonly ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent, command }];
      } catch {
        return []; // It ended meanwhile.
      }
    });
}

/**
 * Proportional set size, in KiB, of all processes started by the cluster: `rootPids` (daemons, database, HAProxy) and
 * what descends from them, and the supervisors of tasks, which are nobody's children and have the task's sandbox below
 * `dataDirectory` in their environment; but not of the tasks themselves, whose command line starts with `taskMark`.
 */
export function clusterPssKib(of: {
  readonly rootPids: readonly number[];
  readonly dataDirectory: string;
  readonly taskMark: string;
}): number {
  const { dataDirectory, taskMark } = of;
  const processes = listProcesses();
  const ours = new Set(of.rootPids);
  for (const { pid } of processes) if (hasSandboxIn(pid, dataDirectory)) ours.add(pid);
  for (let size = -1; size !== ours.size; ) {
    size = ours.size;
    for (const { pid, parent } of processes) if (ours.has(parent)) ours.add(pid);
  }
  let total = 0;
  for (const { pid, command } of processes) {
    const isTask = command.startsWith(taskMark);
    if (ours.has(pid) && !isTask) total += pssKib(pid);
  }
  return total;
}

function hasSandboxIn(pid: number, directory: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`MESOS_SANDBOX=${directory}/`);
  } catch {
    return false;
  }
}

function pssKib(pid: number): number {
  try {
    return Number(
      /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0,
    );
  } catch {
    return 0;
  }
}
