import type { AgentOptions, ReconfigurationPolicy } from '#cluster';
import type { Clock, LaunchedTask, Launcher, Prober } from '#core';
import type { AgentInfo } from '#mesos-v1';
import type { Fetcher } from './fetcher.port.js';
import type { MasterLink } from './master-link.port.js';
import type { SandboxStore } from './sandbox-store.port.js';
import type { TaskJournal } from './task-journal.port.js';
import type { VolumeStore } from './volume-store.port.js';

/** Everything the engine touches of the world. */
export interface AgentEnginePorts {
  readonly launchers: readonly Launcher[];
  readonly prober: Prober;
  readonly journal: TaskJournal;
  readonly link: MasterLink;
  readonly fetcher: Fetcher;
  readonly sandboxes: SandboxStore;
  readonly volumes: VolumeStore;
  readonly clock: Clock;
  /** Random bytes; the ids of status updates are made from them. */
  readonly randomBytes: (count: number) => readonly number[];
  readonly log: (level: 'info' | 'warn', message: string) => void;
  /** The disk has given up: the process must end, and start again. */
  readonly fail: (error: unknown) => void;
  /** Milliseconds a task that was found again has run, by a clock nobody sets. Absent or undefined: not known. */
  readonly processAge?: (launched: LaunchedTask) => Promise<number | undefined>;
  readonly observer?: {
    readonly launched: (latencyMs: number) => void;
    readonly launchFailed: () => void;
  };
}

export interface AgentEngineSettings {
  readonly agent: Omit<AgentInfo, 'id' | 'capabilities'>;
  readonly version: string;
  /** What may be different from when it registered last; default: anything. */
  readonly reconfiguration?: ReconfigurationPolicy;
  /** The host's boot; tasks of another one are gone. */
  readonly bootId: string;
  /** The address of tasks without one of their own. */
  readonly hostAddress: string;
  /** PATH of tasks without a container. */
  readonly searchPath: string;
  readonly options?: Partial<Omit<AgentOptions, 'hostAddress' | 'launchers'>>;
}
