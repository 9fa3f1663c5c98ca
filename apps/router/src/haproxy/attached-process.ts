import type { Logger } from '#platform';
import { pause } from '../sync/pause.js';
import type { EdgeFiles } from './edge-files.js';
import { type EdgeProcess, EdgeReleasedError, type ReloadAnswer } from './edge-process.port.js';
import { reloadByMaster } from './master-reload.js';
import { readProcesses } from './open-sessions.js';
import { parseWorkerPid } from './read-state.js';
import { runCommands } from './runtime-socket.js';

const WATCH_INTERVAL_MS = 1_000;
const RETRY_MS = 1_000;
/** So many looks without an answer, and it is gone: a reload takes the master's socket away for a moment. */
const MISSED_LOOKS = 3;

export interface AttachedProcessOptions {
  readonly files: Pick<EdgeFiles, 'adminSocket' | 'masterSocket'>;
  readonly logger: Logger;
  /** Called when it is gone or another one answers: whatever it has is to be read anew. */
  readonly onExit: () => void;
}

/**
 * A HAProxy that somebody else runs, given by its sockets. It is never started, stopped, signalled or killed here: it gets
 * new configurations by its master's socket. While it does not answer that is said, and tried again each second.
 */
export class AttachedProcess implements EdgeProcess {
  readonly isOurs = false;
  private masterPid: number | undefined;
  private watch: NodeJS.Timeout | undefined;
  private readonly released = new AbortController();
  private missedLooks = 0;
  problem: string | undefined;

  constructor(private readonly options: AttachedProcessOptions) {}

  get pid(): number | undefined {
    return this.masterPid;
  }

  async adopt(): Promise<boolean> {
    const pid = await this.ask();
    if (pid === undefined) return false;
    this.options.logger.info({ pid }, 'attached to the HAProxy that runs');
    this.follow(pid);
    return true;
  }

  /** Resolves once both sockets answer. */
  async start(): Promise<void> {
    while (!(await this.adopt())) {
      await pause(RETRY_MS, this.released.signal);
      if (this.released.signal.aborted) throw new EdgeReleasedError();
    }
  }

  async reload(): Promise<ReloadAnswer> {
    try {
      return { kind: 'taken', ...(await reloadByMaster(this.options.files.masterSocket)) };
    } catch (error) {
      return { kind: 'unreachable', reason: String(error) };
    }
  }

  /** Its log is its owner's. */
  said(): Promise<string> {
    return Promise.resolve('');
  }

  replace(): Promise<boolean> {
    this.note('its master takes no reload: restart HAProxy, which is not ours to replace');
    return Promise.resolve(false);
  }

  release(): void {
    this.released.abort();
    clearInterval(this.watch);
  }

  /** It goes on: who started it ends it. */
  stop(): Promise<void> {
    this.release();
    this.masterPid = undefined;
    return Promise.resolve();
  }

  /** The master's pid when it and a worker answer. */
  private async ask(): Promise<number | undefined> {
    const { masterSocket, adminSocket } = this.options.files;
    try {
      const { pid } = await readProcesses({ masterSocket });
      if (pid === undefined) throw new Error(`${masterSocket} is not the socket of a master`);
      const [info = ''] = await runCommands(adminSocket, ['show info']);
      if (parseWorkerPid(info) === undefined) {
        throw new Error(`${adminSocket} is not a stats socket of level admin`);
      }
      this.problem = undefined;
      return pid;
    } catch (error) {
      this.note(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  private note(reason: string): void {
    const problem = `the HAProxy given by its sockets: ${reason}`;
    if (problem !== this.problem) this.options.logger.error(problem);
    this.problem = problem;
  }

  private follow(pid: number): void {
    this.masterPid = pid;
    this.missedLooks = 0;
    clearInterval(this.watch);
    if (this.released.signal.aborted) return;
    let isLooking = false;
    this.watch = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      void this.look().finally(() => {
        isLooking = false;
      });
    }, WATCH_INTERVAL_MS);
  }

  private async look(): Promise<void> {
    const { logger, onExit } = this.options;
    const former = this.masterPid;
    const found = await this.ask();
    if (this.released.signal.aborted || this.masterPid !== former) return;
    this.missedLooks = found === undefined ? this.missedLooks + 1 : 0;
    if (found === undefined && this.missedLooks < MISSED_LOOKS) return;
    if (found === former) return;
    logger.error({ former, pid: found }, 'the HAProxy given by its sockets is gone');
    clearInterval(this.watch);
    this.masterPid = undefined;
    onExit();
  }
}
