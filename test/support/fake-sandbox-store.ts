import type { RunKey } from '#core';
import type { Fetcher } from '../../apps/agent/src/engine/fetcher.port.js';
import type {
  SandboxStore,
  TaskDirectories,
} from '../../apps/agent/src/engine/sandbox-store.port.js';

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
