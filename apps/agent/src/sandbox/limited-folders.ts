import { type AgentState, sandboxLimitBytes, volumesIn } from '#cluster';
import type { DirectorySandboxStore } from './directory-sandbox-store.js';
import type { DirectoryVolumeStore } from './directory-volume-store.js';
import type { LimitedFolder } from './disk-watch.js';

/** What of running tasks has a limit on the disk: their sandboxes, and each of their volumes by its own size. O(tasks). */
export const limitedFolders = (
  { tasks }: AgentState,
  stores: {
    readonly sandboxes: Pick<DirectorySandboxStore, 'directories'>;
    readonly volumes: Pick<DirectoryVolumeStore, 'directoryOf'>;
  },
): readonly LimitedFolder[] =>
  [...tasks.values()].flatMap(({ run, phase, definition, group }) => {
    if (phase.kind !== 'running') return [];
    const limitBytes = sandboxLimitBytes(definition);
    const { sandbox } = stores.sandboxes.directories(run, group?.executor);
    const own = limitBytes === undefined ? [] : [{ run, folder: sandbox, limitBytes }];
    const volumes = volumesIn(definition.resources).map((volume) => ({
      run,
      folder: stores.volumes.directoryOf(volume),
      limitBytes: volume.limitBytes,
      volume: volume.id,
    }));
    return [...own, ...volumes];
  });
