import type { TaskVolume, VolumeName } from '#cluster';
import type { RunKey } from '#core';
import type { Fetcher } from '../../apps/agent/src/engine/fetcher.port.js';
import type {
  SandboxStore,
  TaskDirectories,
} from '../../apps/agent/src/engine/sandbox-store.port.js';
import type { VolumeStore } from '../../apps/agent/src/engine/volume-store.port.js';

/** Folders that exist by name only. */
export class FakeSandboxStore implements SandboxStore {
  directories(run: RunKey): TaskDirectories {
    return { sandbox: `/sandboxes/${run}`, runtimeDirectory: `/runtime/${run}` };
  }

  async prepare(run: RunKey): Promise<TaskDirectories> {
    return this.directories(run);
  }

  async retire(): Promise<void> {}

  async sweepRuntime(): Promise<number> {
    return 0;
  }
}

/** Directories that exist by name only, and outlive the agents that use them like a disk. */
export class FakeVolumeStore implements VolumeStore {
  readonly directories = new Set<string>();

  constructor(private readonly onMade: (volume: VolumeName) => void = () => undefined) {}

  directoryOf({ role, id }: VolumeName): string {
    return `/volumes/roles/${role}/${id}`;
  }

  async make(volumes: readonly VolumeName[]): Promise<void> {
    for (const volume of volumes) {
      const directory = this.directoryOf(volume);
      if (!this.directories.has(directory)) this.onMade(volume);
      this.directories.add(directory);
    }
  }

  async remove(volumes: readonly VolumeName[]): Promise<void> {
    for (const volume of volumes) this.directories.delete(this.directoryOf(volume));
  }

  async attach(volumes: readonly TaskVolume[]): Promise<void> {
    const missing = await this.open(volumes);
    for (const { id } of missing) throw new Error(`persistent volume ${id}: it is missing`);
  }

  async open(volumes: readonly VolumeName[]): Promise<readonly VolumeName[]> {
    return volumes.filter((volume) => !this.directories.has(this.directoryOf(volume)));
  }

  watch(): void {}

  close(): void {}
}

/** Fetches nothing; fails with `failure` if set, never answers while `isHanging`. */
export class FakeFetcher implements Fetcher {
  failure: string | undefined;
  isHanging = false;

  async fetch(request: Parameters<Fetcher['fetch']>[0]): Promise<void> {
    if (this.isHanging) {
      await new Promise((_resolve, reject) => {
        request.signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    }
    if (this.failure !== undefined) throw new Error(this.failure);
  }
}
