import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where NVIDIA's driver tells of its GPUs, a folder each. */
const NVIDIA_GPUS = '/proc/driver/nvidia/gpus';

/**
 * The UUIDs of the NVIDIA GPUs to hand out, in the order of their numbers. `wanted` are numbers (of `/dev/nvidia<n>`) and UUIDs,
 * or `all`, or `none`. Throws for one that is not there.
 */
export async function detectGpus(
  wanted: readonly string[],
  root = NVIDIA_GPUS,
): Promise<readonly string[]> {
  const found = await listGpus(root);
  if (wanted.includes('all')) return found.map(({ uuid }) => uuid);
  const named = wanted.filter((name) => name !== 'none');
  const chosen = named.map((name) => {
    const gpu = found.find(({ uuid, minor }) => uuid === name || String(minor) === name);
    if (gpu !== undefined) return gpu.uuid;
    const known = found.map(({ uuid, minor }) => `${minor} (${uuid})`).join(', ') || 'none';
    throw new Error(`PACER_AGENT_GPUS: there is no NVIDIA GPU ${name} here, there are: ${known}`);
  });
  return [...new Set(chosen)];
}

interface Gpu {
  readonly minor: number;
  readonly uuid: string;
}

async function listGpus(root: string): Promise<readonly Gpu[]> {
  const folders = await readdir(root).catch(() => []);
  const gpus = await Promise.all(
    folders.map(async (folder) => {
      const text = await readFile(join(root, folder, 'information'), 'utf8').catch(() => '');
      const uuid = /^GPU UUID:\s*(GPU-[0-9a-f-]+)\s*$/im.exec(text)?.[1];
      const minor = /^Device Minor:\s*(\d+)\s*$/im.exec(text)?.[1];
      return uuid === undefined || minor === undefined ? [] : [{ uuid, minor: Number(minor) }];
    }),
  );
  return gpus.flat().sort((one, other) => one.minor - other.minor);
}
