import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { type Range, type Resources, resources } from '#core';

const MIB = 1024 * 1024;
/** Left to the system, as Mesos does: 1 GiB of memory and 5 GiB of disk, or half of what there is if it is little. */
const MEM_RESERVE_MIB = 1024;
const DISK_RESERVE_MIB = 5 * 1024;

/** What was configured; the rest is detected. */
export interface ConfiguredResources {
  readonly cpus: number | undefined;
  readonly memMib: number | undefined;
  readonly diskMib: number | undefined;
  readonly ports: readonly Range[];
}

/** The resources the agent offers. Disk is that of the filesystem of `workDirectory`. */
export async function detectResources(
  configured: ConfiguredResources,
  workDirectory: string,
): Promise<Resources> {
  const disk = await statfs(workDirectory);
  return resources({
    cpus: configured.cpus ?? availableParallelism(),
    mem: configured.memMib ?? withoutReserve(memoryMib(), MEM_RESERVE_MIB),
    disk:
      configured.diskMib ??
      withoutReserve(Math.floor((disk.blocks * disk.bsize) / MIB), DISK_RESERVE_MIB),
    ports: configured.ports,
  });
}

/** The smaller of the machine's memory and what a container around us allows. */
function memoryMib(): number {
  const total = totalmem();
  const constrained = process.constrainedMemory();
  return Math.floor((constrained > 0 && constrained < total ? constrained : total) / MIB);
}

const withoutReserve = (mib: number, reserveMib: number): number =>
  mib > 2 * reserveMib ? mib - reserveMib : Math.floor(mib / 2);
