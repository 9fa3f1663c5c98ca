import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import type { Range, Resources } from '#core';
import { decodeResources, type WireResource } from '#mesos-v1';
import type { ConfiguredResource } from './read-resources.js';

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
  /** NVIDIA GPUs that can be handed out. */
  readonly gpus: number;
  /** What these name is not detected, however little of it they give. */
  readonly named: readonly ConfiguredResource[];
  /** Owns what has no role of its own. */
  readonly defaultRole: string;
}

/** The resources the agent offers. Disk is that of the filesystem of `workDirectory`. */
export async function detectResources(
  configured: ConfiguredResources,
  workDirectory: string,
): Promise<Resources> {
  const { named, defaultRole } = configured;
  const names = new Set(named.map(({ name }) => name));
  const disk = await statfs(workDirectory);
  const detected = {
    cpus: configured.cpus ?? availableParallelism(),
    mem: configured.memMib ?? withoutReserve(memoryMib(), MEM_RESERVE_MIB),
    disk:
      configured.diskMib ??
      withoutReserve(Math.floor((disk.blocks * disk.bsize) / MIB), DISK_RESERVE_MIB),
    ...(configured.gpus === 0 ? {} : { gpus: configured.gpus }),
  };
  checkGpus(configured);
  const scalars = Object.entries(detected).map(
    ([name, value]): ConfiguredResource => ({ name, value: { type: 'SCALAR', scalar: { value } } }),
  );
  const ports: ConfiguredResource = {
    name: 'ports',
    value: { type: 'RANGES', ranges: { range: configured.ports } },
  };
  const rest = [...scalars, ports].filter(({ name }) => !names.has(name));
  return decodeResources([...rest, ...named].map((entry) => toWire(entry, defaultRole)));
}

function checkGpus({ named, gpus }: Pick<ConfiguredResources, 'named' | 'gpus'>): void {
  const wanted = named.reduce(
    (sum, { name, value }) =>
      name === 'gpus' && value.type === 'SCALAR' ? sum + value.scalar.value : sum,
    0,
  );
  if (wanted > gpus) {
    throw new Error(`PACER_AGENT_RESOURCES: gpus is ${wanted}, there are ${gpus} NVIDIA GPUs here`);
  }
}

const toWire = ({ name, role, value }: ConfiguredResource, defaultRole: string): WireResource => ({
  name,
  role: role ?? defaultRole,
  ...value,
});

/** The smaller of the machine's memory and what a container around us allows. */
function memoryMib(): number {
  const total = totalmem();
  const constrained = process.constrainedMemory();
  return Math.floor((constrained > 0 && constrained < total ? constrained : total) / MIB);
}

const withoutReserve = (mib: number, reserveMib: number): number =>
  mib > 2 * reserveMib ? mib - reserveMib : Math.floor(mib / 2);
