import type { TaskVolume, VolumeName } from '#cluster';

/** The directories of persistent volumes. They outlive tasks, agents and reboots; every method may be repeated. */
export interface VolumeStore {
  /** Resolves when the directories would survive a power cut, however long the disk refuses them. Those there are stay. */
  make(volumes: readonly VolumeName[]): Promise<void>;
  /** Resolves when none of them can be used any more; what was in them goes afterwards. */
  remove(volumes: readonly VolumeName[]): Promise<void>;
  /**
   * Puts a task's volumes into its sandbox: links, or for a container (`isMounted`) the folders they are mounted on. A
   * volume belongs to `user` from then on. Rejects naming a volume whose directory is missing: it is not made anew.
   */
  attach(
    volumes: readonly TaskVolume[],
    to: { readonly sandbox: string; readonly user?: string; readonly isMounted: boolean },
  ): Promise<void>;
  directoryOf(volume: VolumeName): string;
  /** At a start: goes on with removals that were cut off, and says which of these directories are missing. */
  open(volumes: readonly VolumeName[]): Promise<readonly VolumeName[]>;
  /** Told whenever the disk begins to refuse a directory, with what it says, and when it takes it again. */
  watch(listener: (problem: string | undefined) => void): void;
  close(): void;
}
