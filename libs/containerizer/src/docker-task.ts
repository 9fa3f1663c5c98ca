/** A container as the launcher knows it. */
import type Dockerode from 'dockerode';
import type { LaunchedTask, LaunchSpec, RunKey, TaskExit } from '#core';

export type Place = Pick<LaunchSpec, 'run' | 'runtimeDirectory' | 'sandbox'>;

export interface ContainerTask {
  readonly run: RunKey;
  readonly sandbox: string;
  readonly runtimeDirectory: string;
  readonly container: Dockerode.Container;
  /** Settles when the launch has; its end is reported afterwards only. */
  readonly ready: Promise<void>;
  launched: LaunchedTask;
  stopSignal: string;
  isEnding: boolean;
  /** Somebody has sent it a signal. */
  wasSignalled: boolean;
  killTimer?: NodeJS.Timeout;
}

export function toTask(
  place: Place,
  container: Dockerode.Container,
  ready: Promise<void>,
): ContainerTask {
  const { run, sandbox, runtimeDirectory } = place;
  const launched = { pid: 0, containerId: container.id };
  const state = { launched, stopSignal: 'SIGTERM', isEnding: false, wasSignalled: false };
  return { run, sandbox, runtimeDirectory, container, ready, ...state };
}

export function applyState(task: ContainerTask, state: Dockerode.ContainerInspectInfo): void {
  const networks = Object.values(state.NetworkSettings.Networks ?? {});
  const ipAddress = networks.map(({ IPAddress }) => IPAddress).find(Boolean);
  const ipv6Address = networks.map(({ GlobalIPv6Address }) => GlobalIPv6Address).find(Boolean);
  const { Pid: pid } = state.State;
  const containerId = task.container.id;
  task.launched = {
    ...{ pid, containerId },
    ...(ipAddress === undefined ? {} : { ipAddress }),
    ...(ipv6Address === undefined ? {} : { ipv6Address }),
  };
  const { StopSignal } = state.Config as { readonly StopSignal?: string };
  if (StopSignal) task.stopSignal = StopSignal;
}

/**
 * The engine takes its containers along when it stops without live-restore; what they report then is no end of their own.
 * One that ended well and that nobody signalled did so by itself, also while nobody could be asked.
 */
export function withCause(exit: TaskExit, task: Pick<ContainerTask, 'wasSignalled'>): TaskExit {
  const { status } = exit;
  if (status.kind === 'exited' && status.code === 0 && !task.wasSignalled) return exit;
  return { ...exit, cause: 'ended when the Docker engine was stopped, restarted or out of reach' };
}
