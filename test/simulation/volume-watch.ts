import type { TaskInfo } from '#mesos-v1';
import type { StoredState } from './stored-state.js';
import type { World } from './world.js';

interface Home {
  readonly host: string;
  /** How often it was made: a second time is another, empty one. */
  times: number;
  isUsed: boolean;
}

/** A persistent volume is where it was made, with what is on it; an instance starts there alone, and no two use one. */
export class VolumeWatch {
  private readonly homes = new Map<string, Home>();
  private readonly users = new Map<string, string>();

  constructor(
    private readonly world: World,
    private readonly stored: StoredState,
    private readonly isRunning: (task: string) => boolean,
  ) {}

  /** A host has a directory for it that it had not before. */
  made(volume: string, host: string): void {
    const home = this.homes.get(volume);
    if (home === undefined) this.homes.set(volume, { host, times: 1, isUsed: false });
    else if (home.host !== host) this.world.violate(`volume ${volume} is made on ${host} too`);
    else home.times += 1;
  }

  /** A host starts a task. */
  started(task: string, host: string, definition: TaskInfo | undefined): void {
    const volumes = (definition?.resources ?? []).flatMap(
      ({ disk }) => disk?.persistence?.id ?? [],
    );
    const instance = this.stored.taskInstance(task);
    const kept = instance?.reservation?.volumes.map(({ persistenceId }) => persistenceId) ?? [];
    if (instance !== undefined && [...kept].sort().join() !== [...volumes].sort().join()) {
      this.world.violate(`task ${task} is started on [${volumes}] and is to have [${kept}]`);
    }
    for (const volume of volumes) this.use(volume, task, host);
  }

  private use(volume: string, task: string, host: string): void {
    const home = this.homes.get(volume);
    if (home === undefined || home.host !== host) {
      this.world.violate(`task ${task} is started on ${host}, away from volume ${volume}`);
      return;
    }
    if (home.isUsed && home.times > 1) {
      this.world.violate(`task ${task} is started on volume ${volume}, which was made anew`);
    }
    home.isUsed = true;
    const other = this.users.get(volume);
    if (other !== undefined && other !== task && this.isRunning(other)) {
      this.world.violate(`task ${task} is started on volume ${volume}, which ${other} uses`);
    }
    this.users.set(volume, task);
  }
}
