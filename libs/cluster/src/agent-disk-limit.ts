import type { TaskInfo } from '#mesos-v1';
import type { DiskUse } from './agent-task.js';
import { kill } from './agent-task-kill.js';
import { DISK_REASON, type Turn } from './agent-task-turn.js';
import { volumesIn } from './agent-volumes.js';

/** Mesos' `disk/du` with enforcement: a task whose sandbox grew beyond its disk is ended at once, and has failed. */

const MIB = 1024 * 1024;

/** Bytes the task's sandbox may take: the disk it asked for, volumes left out; undefined where that is none. */
export function sandboxLimitBytes({ resources }: Pick<TaskInfo, 'resources'>): number | undefined {
  const own = resources.filter(({ name, disk }) => name === 'disk' && !disk?.persistence);
  const mib = own.reduce((sum, { scalar }) => sum + (scalar?.value ?? 0), 0);
  return mib > 0 ? Math.floor(mib * MIB) : undefined;
}

/** It takes more than it may; who is being killed already has that grace. */
export function endOversized(turn: Turn, { usedBytes, volume }: DiskUse): void {
  const { task } = turn;
  const limit =
    volume === undefined
      ? sandboxLimitBytes(task.definition)
      : volumesIn(task.definition.resources).find(({ id }) => id === volume)?.limitBytes;
  if (limit === undefined || usedBytes <= limit) return;
  if (task.phase.kind !== 'running' || task.kill !== undefined) return;
  const used = Math.ceil(usedBytes / MIB);
  const message =
    volume === undefined
      ? `its sandbox takes ${used} MiB, more than its disk of ${limit / MIB} MiB`
      : `its persistent volume ${volume} takes ${used} MiB, more than its size of ${limit / MIB} MiB`;
  kill(turn, { graceMs: 0, reason: DISK_REASON, message });
}
