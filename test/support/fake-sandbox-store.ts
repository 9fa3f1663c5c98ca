import type { Fetcher } from '../../apps/agent/src/engine/fetcher.port.js';
import type {
  SandboxStore,
  TaskDirectories,
} from '../../apps/agent/src/engine/sandbox-store.port.js';

/** Folders that exist by name only. */
export class FakeSandboxStore implements SandboxStore {
  directories(taskId: string): TaskDirectories {
    return { sandbox: `/sandboxes/${taskId}`, runtimeDirectory: `/runtime/${taskId}` };
  }

  async prepare(taskId: string): Promise<TaskDirectories> {
    return this.directories(taskId);
  }

  async retire(): Promise<void> {}
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
