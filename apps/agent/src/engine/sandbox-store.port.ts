import type { MemberFolder } from '#cluster';
import type { RunKey } from '#core';

/** Where a run's files are. Absolute paths. */
export interface TaskDirectories {
  /** The task's working directory, with its `stdout` and `stderr`. */
  readonly sandbox: string;
  /** The launcher's notes about it, outside the sandbox. */
  readonly runtimeDirectory: string;
}

/** The folders of runs. Every method may be repeated. */
export interface SandboxStore {
  /** The sandbox of a member of a group is in that of its `executor`, which all members have in common. */
  directories(run: RunKey, executor?: RunKey): TaskDirectories;
  /** Makes both folders; the sandbox belongs to `user` if given. That of a member is made with its volumes. */
  prepare(
    run: RunKey,
    owner: { readonly user?: string; readonly member?: MemberFolder },
  ): Promise<TaskDirectories>;
  /** Removes the runtime directory; the sandbox stays to be read until it is swept. */
  retire(run: RunKey): Promise<void>;
  /** Removes the runtime directories of all other runs; returns how many. */
  sweepRuntime(isLive: (run: RunKey) => boolean): Promise<number>;
}
