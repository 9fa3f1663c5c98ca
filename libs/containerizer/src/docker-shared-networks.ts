/**
 * Networks that several containers are in. Each is held by a container of its own that does nothing: whichever member
 * ends, the network stays. It goes by the key of the network as tasks' containers go by theirs, so it is found again, and
 * removed when it is released or nobody knows the key any more.
 */
import type Dockerode from 'dockerode';
import type { LaunchSpec, RunKey, SharedNetwork, TaskExit } from '#core';
import {
  containerName,
  RUN_LABEL,
  SCOPE_LABEL,
  toExposedPorts,
  toNetworkMode,
  toPortBindings,
} from './docker-container-config.js';
import { isOver, removeContainer, withinCallTime, withTimeout } from './docker-containers.js';
import { hasStatus } from './docker-errors.js';
import { ensurePauseImage, PAUSE_COMMAND } from './docker-pause-image.js';
import { addressesOf, type HeldNetwork } from './docker-task.js';

export interface SharedNetworks {
  /** Makes the network a container is to be in, unless it stands; undefined when it shares none. */
  ensure(spec: Pick<LaunchSpec, 'docker'>): Promise<HeldNetwork | undefined>;
  /** Finds the network of a container of before again. One that is gone is told of as such. */
  adopt(key: RunKey | undefined): Promise<HeldNetwork | undefined>;
  /** It is to be removed: not told of any more. Resolves when it is not being made. */
  forget(key: RunKey): Promise<void>;
  noteDeath(key: RunKey, containerId: string): void;
  /** Compares with the states of all containers by id. */
  compare(states: ReadonlyMap<string, string>, known: ReadonlyMap<RunKey, HeldNetwork>): void;
  known(): ReadonlyMap<RunKey, HeldNetwork>;
}

const HOLDER_PROCESSES = 8;

/** The key of the network a container is to share. */
export function sharedKeyOf({ docker }: Pick<LaunchSpec, 'docker'>): RunKey | undefined {
  const network = docker?.network;
  return typeof network === 'object' && 'shared' in network ? network.shared.key : undefined;
}

export function createSharedNetworks(options: {
  readonly docker: Dockerode;
  readonly scope: string;
  readonly publishAddress?: string | undefined;
  /** The network of containers that may still run is not there any more. */
  readonly onGone: (exit: TaskExit) => void;
}): SharedNetworks {
  const { docker, scope } = options;
  const held = new Map<RunKey, HeldNetwork>();
  const making = new Map<RunKey, Promise<HeldNetwork>>();

  const lose = (key: RunKey): void => {
    if (held.delete(key)) options.onGone(toEnd(key));
  };
  const make = async (network: SharedNetwork): Promise<HeldNetwork> => {
    const found = await find(docker, containerName(scope, network.key));
    if (found !== undefined && isOver(found)) throw new Error('the network of its group is gone');
    if (found?.State.Running) return toHeld(found);
    const container =
      found === undefined ? await create(options, network) : docker.getContainer(found.Id);
    try {
      await container.start(withTimeout());
      return toHeld(await container.inspect(withTimeout()));
    } catch (error) {
      await removeContainer(container);
      throw error;
    }
  };

  return {
    async ensure({ docker: spec }) {
      const network = spec?.network;
      if (typeof network !== 'object' || !('shared' in network)) return undefined;
      const { key } = network.shared;
      const standing = held.get(key) ?? making.get(key);
      if (standing !== undefined) return await standing;
      const made = make(network.shared).then((one) => {
        held.set(key, one);
        return one;
      });
      making.set(key, made);
      return await made.finally(() => making.delete(key));
    },
    async adopt(key) {
      if (key === undefined) return undefined;
      const found = held.get(key) ?? (await find(docker, containerName(scope, key)));
      if (found === undefined || ('State' in found && !found.State.Running)) {
        options.onGone(toEnd(key));
        return undefined;
      }
      const standing = 'State' in found ? toHeld(found) : found;
      held.set(key, standing);
      return standing;
    },
    async forget(key) {
      await making.get(key)?.catch(() => undefined);
      held.delete(key);
    },
    noteDeath(key, containerId) {
      if (held.get(key)?.containerId === containerId) lose(key);
    },
    known: () => new Map(held),
    compare(states, known) {
      for (const [key, { containerId }] of known) {
        const state = states.get(containerId);
        const isGone = state === undefined || state === 'exited' || state === 'dead';
        if (isGone && held.get(key)?.containerId === containerId) lose(key);
      }
    },
  };
}

async function find(
  docker: Dockerode,
  name: string,
): Promise<Dockerode.ContainerInspectInfo | undefined> {
  try {
    return await docker.getContainer(name).inspect(withTimeout());
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

async function create(
  { docker, scope, publishAddress }: Parameters<typeof createSharedNetworks>[0],
  { key, network, portMappings }: SharedNetwork,
): Promise<Dockerode.Container> {
  return await docker.createContainer({
    name: containerName(scope, key),
    Image: await withinCallTime(ensurePauseImage(docker)),
    Entrypoint: [...PAUSE_COMMAND],
    Labels: { [RUN_LABEL]: key, [SCOPE_LABEL]: scope },
    ExposedPorts: toExposedPorts({ network, portMappings }),
    HostConfig: {
      NetworkMode: toNetworkMode(network, scope),
      PortBindings: toPortBindings({ network, portMappings }, publishAddress),
      PidsLimit: HOLDER_PROCESSES,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Type: 'none', Config: {} },
    },
    ...withTimeout(),
  });
}

const toHeld = (state: Dockerode.ContainerInspectInfo): HeldNetwork => ({
  containerId: state.Id,
  addresses: addressesOf(state),
});

const toEnd = (run: RunKey): TaskExit => ({
  run,
  status: { kind: 'unknown', reason: 'its network is gone' },
  oomKilled: false,
});
