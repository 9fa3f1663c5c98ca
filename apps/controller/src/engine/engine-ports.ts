import type { Clock, ControllerStore, FrameworkId, Instance, Lease, Prober } from '#core';
import type { ControllerAbilities, UnhealthyLimits } from '#deployment';
import type { SchedulerDriver, SchedulerHandlers } from '#framework';
import type { EventSink } from './controller-engine.port.js';

/** What the engine says while it works. */
export interface EngineLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Everything the engine acts through. The simulation gives the same ports as the daemon, over fakes. */
export interface EnginePorts {
  readonly store: ControllerStore;
  readonly lease: Lease;
  /**
   * Makes the driver of our framework; `frameworkId` is the stored one, absent at the very first start. `roles` are to be
   * asked for at each subscription.
   */
  readonly connect: (
    handlers: SchedulerHandlers,
    frameworkId: FrameworkId | undefined,
    roles: () => readonly string[],
  ) => SchedulerDriver;
  readonly prober: Prober;
  readonly sink: EventSink;
  readonly clock: Clock;
  /** A fresh UUID. */
  readonly newId: () => string;
  /**
   * Leadership is lost, the master refused the framework, or an invariant broke: the process has to exit. Called once;
   * the engine writes and sends nothing afterwards.
   */
  readonly onFatal: (error: Error) => void;
  readonly log?: EngineLog;
  /**
   * Runs a command check its agent was not given inside a task; undefined: nobody could be asked, which says nothing. Without
   * it only the first one, on the agent, is run.
   */
  readonly runCommand?: (
    instance: Instance,
    command: string,
    timeoutMs: number,
  ) => Promise<{ readonly exitCode: number; readonly output: string } | undefined>;
  /** Called before each effect is carried out. What it throws stops the engine as a crash would. */
  readonly beforeEffect?: (kind: string) => void;
}

/** What can be changed in place depends on what the controller can do for agents. */
export const abilitiesOf = ({ runCommand }: EnginePorts): ControllerAbilities => ({
  commands: runCommand !== undefined,
});

/** Times in milliseconds. */
export interface EngineOptions {
  /** Changes of one app within this time are looked at once. */
  readonly evaluationDelayMs: number;
  readonly sweepIntervalMs: number;
  /** While something waits: how long an offer that did not fit stays away. Bigger offers come at once. */
  readonly shortRefuseSeconds: number;
  readonly longRefuseSeconds: number;
  /** Unanswered launches and tasks that stay staging this long are killed and replaced. */
  readonly launchConfirmTimeoutMs: number;
  readonly launchTimeoutMs: number;
  /** A launch that is to reserve something and is unanswered for so long is asked about. */
  readonly reservationTimeoutMs: number;
  readonly killRetryMs: number;
  readonly maxKillsInFlight: number;
  readonly reconcileIntervalMs: number;
  readonly scaleCheckIntervalMs: number;
  readonly maxConcurrentProbes: number;
  /** Jobs waiting for the commit queue at most. */
  readonly maxWaitingJobs: number;
  /** Jobs in one transaction at most. */
  readonly maxJobsPerCommit: number;
  readonly unhealthy: UnhealthyLimits;
  /** Offers are taken for this role even when no app has it. */
  readonly role: string;
  /** As what the master knows us; it is that of our reservations. */
  readonly principal?: string;
  /** Ports no app may have at the edge: a rollback must not bring one back. */
  readonly reservedPorts: ReadonlySet<number>;
  /** Differs between controllers, so that their port choices do. */
  readonly seed: number;
}

export const DEFAULT_ENGINE_OPTIONS: EngineOptions = {
  evaluationDelayMs: 3,
  sweepIntervalMs: 500,
  shortRefuseSeconds: 5,
  longRefuseSeconds: 3_600,
  launchConfirmTimeoutMs: 300_000,
  launchTimeoutMs: 300_000,
  reservationTimeoutMs: 20_000,
  killRetryMs: 10_000,
  maxKillsInFlight: 200,
  reconcileIntervalMs: 600_000,
  scaleCheckIntervalMs: 300_000,
  maxConcurrentProbes: 256,
  maxWaitingJobs: 10_000,
  maxJobsPerCommit: 1_000,
  unhealthy: { breakerShare: 0.5, holdMs: 60_000, replacementWaitMs: 30_000 },
  role: '*',
  reservedPorts: new Set(),
  seed: 1,
};
