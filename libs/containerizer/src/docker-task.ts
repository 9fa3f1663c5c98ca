/** A container as the launcher knows it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Dockerode from 'dockerode';
import type { LaunchedTask, LaunchSpec, Reattachment, RunKey, TaskExit } from '#core';

/** A launch under way. */
export interface Launching extends Pick<ContainerTask, 'network'> {
  readonly launch: Promise<LaunchedTask>;
  readonly cancel: AbortController;
}

/** Holds the container's id once it was started. */
export const STARTED_FILE = 'container';

/** What became of a run of which there is no container any more. */
export async function withoutContainer({ run, runtimeDirectory }: Place): Promise<Reattachment> {
  const started = await readFile(join(runtimeDirectory, STARTED_FILE)).catch(() => undefined);
  if (started === undefined) return { kind: 'gone', reason: 'it was never started' };
  const status = { kind: 'unknown', reason: 'its container was removed' } as const;
  return { kind: 'exited', exit: { run, status, oomKilled: false } };
}

/** A network that stands, which containers share. */
export interface HeldNetwork {
  readonly containerId: string;
  readonly addresses: Pick<LaunchedTask, 'ipAddress' | 'ipv6Address'>;
}

export type Place = Pick<LaunchSpec, 'run' | 'runtimeDirectory' | 'sandbox'>;

export interface ContainerTask {
  readonly run: RunKey;
  readonly sandbox: string;
  readonly runtimeDirectory: string;
  readonly container: Dockerode.Container;
  /** Settles when the launch has; its end is reported afterwards only. */
  readonly ready: Promise<void>;
  /** The key of the network it is in with others. */
  readonly network: RunKey | undefined;
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
  { ready, network }: Pick<ContainerTask, 'ready' | 'network'>,
): ContainerTask {
  const { run, sandbox, runtimeDirectory } = place;
  const launched = { pid: 0, containerId: container.id };
  const state = { launched, stopSignal: 'SIGTERM', isEnding: false, wasSignalled: false };
  return { run, sandbox, runtimeDirectory, container, ready, network, ...state };
}

/** In a network that others are in too, the addresses are that network's. */
export function applyState(
  task: ContainerTask,
  state: Dockerode.ContainerInspectInfo,
  network: HeldNetwork | undefined,
): void {
  const { Pid: pid } = state.State;
  const containerId = task.container.id;
  task.launched = { pid, containerId, ...(network?.addresses ?? addressesOf(state)) };
  const { StopSignal } = state.Config as { readonly StopSignal?: string };
  if (StopSignal) task.stopSignal = StopSignal;
}

/** The addresses a container has itself. */
export function addressesOf({
  NetworkSettings,
}: Dockerode.ContainerInspectInfo): Pick<LaunchedTask, 'ipAddress' | 'ipv6Address'> {
  const networks = Object.values(NetworkSettings.Networks ?? {});
  const ipAddress = networks.map(({ IPAddress }) => IPAddress).find(Boolean);
  const ipv6Address = networks.map(({ GlobalIPv6Address }) => GlobalIPv6Address).find(Boolean);
  return {
    ...(ipAddress === undefined ? {} : { ipAddress }),
    ...(ipv6Address === undefined ? {} : { ipv6Address }),
  };
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
