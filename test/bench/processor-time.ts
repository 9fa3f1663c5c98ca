import { readFileSync } from 'node:fs';

/** Of the kernel's accounting, 100 Hz everywhere. */
const MS_PER_TICK = 10;

/** Processor time a process has used, user and system. */
export function processorMsOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
