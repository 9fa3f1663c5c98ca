import type { WireResource } from '#mesos-v1';
import type { AgentIdentity } from './agent-records.js';
import { volumesIn } from './agent-volumes.js';
import type { VolumeChange, VolumeName } from './volume-name.js';

/** Which directories of persistent volumes there are to be, as checkpoints come. */

/**
 * What the agent is once it has this checkpoint, and what becomes of directories: those of new volumes are made before it
 * is written down, those of volumes that are in it no more are removed after it. `removed` is written down with it, so
 * that an agent that dies in between removes them when it starts; no other directory is ever removed.
 */
export function takeCheckpoint(
  identity: AgentIdentity,
  checkpointedResources: readonly WireResource[],
): { readonly identity: AgentIdentity; readonly change: VolumeChange } {
  const before = namesIn(identity.checkpointedResources ?? []);
  const after = namesIn(checkpointedResources);
  const remove = [...before.values()].filter((volume) => !after.has(nameOf(volume)));
  // An earlier version kept the books of volumes only: theirs are to be made too.
  const isFirst = identity.volumes === undefined;
  const make = [...after.values()].filter((volume) => isFirst || !before.has(nameOf(volume)));
  const hasAny = !isFirst || before.size + after.size > 0;
  return {
    identity: {
      ...identity,
      checkpointedResources,
      ...(hasAny ? { volumes: { removed: remove } } : {}),
    },
    change: { make, remove },
  };
}

/** What an agent that starts has to make up for: it died before it removed, or it is of a version that made none. */
export function resumeVolumes(identity: AgentIdentity): {
  readonly identity: AgentIdentity;
  readonly change: VolumeChange;
} {
  const kept = namesIn(identity.checkpointedResources ?? []);
  if (identity.volumes === undefined) {
    return kept.size === 0
      ? { identity, change: NOTHING }
      : {
          identity: { ...identity, volumes: { removed: [] } },
          change: { make: [...kept.values()], remove: [] },
        };
  }
  const remove = identity.volumes.removed.filter((volume) => !kept.has(nameOf(volume)));
  return { identity, change: { make: [], remove } };
}

/** One change that stands for two in a row; the later one has the last word on a volume. */
export function joinChanges(older: VolumeChange, newer: VolumeChange): VolumeChange {
  const made = new Map([...older.make, ...newer.make].map((one) => [nameOf(one), one]));
  const removed = new Map(older.remove.map((one) => [nameOf(one), one]));
  for (const one of newer.make) removed.delete(nameOf(one));
  for (const one of newer.remove) {
    made.delete(nameOf(one));
    removed.set(nameOf(one), one);
  }
  return { make: [...made.values()], remove: [...removed.values()] };
}

const NOTHING: VolumeChange = { make: [], remove: [] };

const nameOf = ({ role, id }: VolumeName): string => JSON.stringify([role, id]);

const namesIn = (wire: readonly WireResource[]): ReadonlyMap<string, VolumeName> =>
  new Map(volumesIn(wire).map(({ role, id }) => [nameOf({ role, id }), { role, id }]));
