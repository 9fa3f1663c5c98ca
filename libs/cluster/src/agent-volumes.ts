import { scalarMilli, traitsOfKey } from '#core';
import { decodeResources, type TaskInfo, type WireResource } from '#mesos-v1';
import { volumesOf } from './resource-conversion.js';
import { byteLength } from './text-size.js';
import type { TaskVolume, VolumeName } from './volume-name.js';

/** The persistent volumes a task has, and where it wants them. */

const MIB = 1024 * 1024;
const MAX_NAME_BYTES = 255;
const UNSAFE_NAME = /[/\\\p{Cc}]/u;
const UNSAFE_PATH = /[\\\p{Cc}]/u;

/** The volumes among these resources, in their order. */
export function volumesIn(wire: readonly WireResource[]): readonly TaskVolume[] {
  // Most have none, and decoding them all would cost every launch.
  const amount = decodeResources(wire.filter(({ disk }) => disk?.persistence !== undefined));
  return volumesOf(amount).map(({ key, role, id }) => {
    const volume = traitsOfKey(key).volume;
    return {
      ...{ role, id, containerPath: volume?.containerPath ?? '', mode: volume?.mode ?? 'RW' },
      limitBytes: Math.floor((scalarMilli(amount, key) / 1000) * MIB),
    };
  });
}

/** The folder of a role's volumes, as Mesos names it: a path of roles is one name, so that none is inside another's. */
export const roleFolderOf = (role: string): string => role.replaceAll('/', ' ');

/** Why a volume can have no directory, or not where its task wants it; undefined: it can. */
export function findVolumeDefect(volume: VolumeName & Partial<TaskVolume>): string | undefined {
  const { role, id, containerPath } = volume;
  for (const [what, name] of [
    ['id', id],
    ['role', roleFolderOf(role)],
  ] as const) {
    const isName = name !== '' && name !== '.' && name !== '..' && !UNSAFE_NAME.test(name);
    if (!isName) return `${what} ${JSON.stringify(name)} cannot be the name of a directory`;
    if (byteLength(name) > MAX_NAME_BYTES) {
      return `${what} is ${byteLength(name)} bytes long, the limit is ${MAX_NAME_BYTES}`;
    }
  }
  return containerPath === undefined ? undefined : findPathDefect(containerPath);
}

function findPathDefect(path: string): string | undefined {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const isInside = names.length > 0 && !names.includes('..') && !path.startsWith('/');
  if (isInside && !UNSAFE_PATH.test(path)) return undefined;
  return `container_path ${JSON.stringify(path)} is not a path inside the sandbox`;
}

/** Why a task's volumes cannot be where it wants them, or undefined. */
export function findTaskVolumeDefect(task: Pick<TaskInfo, 'resources'>): string | undefined {
  for (const volume of volumesIn(task.resources)) {
    const defect = findVolumeDefect(volume);
    if (defect !== undefined) return `persistent volume ${volume.id}: ${defect}`;
  }
  return undefined;
}
