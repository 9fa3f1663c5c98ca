/** Makes the container of a launch: first its image, then itself. */
import type Dockerode from 'dockerode';
import type { LaunchError, LaunchSpec } from '#core';
import { withinPhase } from './deadline.js';
import { hasStatus } from './docker-errors.js';
import type { EngineEvents } from './docker-events.js';
import { findImageId, type ImagePuller } from './docker-images.js';
import type { ContainerConfig } from './docker-parameters.js';
import { withSeccomp } from './docker-seccomp.js';
import type { SharedNetworks } from './docker-shared-networks.js';
import type { HeldNetwork } from './docker-task.js';
import { createLaunchLog } from './launch-log.js';
import { createLaunchSlots } from './launch-slots.js';

/** What a launch listens to and tells. */
export interface LaunchCourse {
  readonly cancel: AbortSignal;
  readonly tell: ((progress: string) => void) | undefined;
}

/** A container, and the network it is in with others. */
export interface CreatedContainer {
  readonly container: Dockerode.Container;
  readonly network: HeldNetwork | undefined;
}

export interface ContainerCreation {
  /** Returns once the image is there; tells of a pull in the task's `stderr` too. */
  pull(spec: LaunchSpec, course: LaunchCourse): Promise<void>;
  create(
    spec: LaunchSpec,
    config: ContainerConfig,
    course: LaunchCourse,
  ): Promise<CreatedContainer>;
}

const PULLS_AT_ONCE = 4;

export function createContainerCreation(options: {
  readonly docker: Dockerode;
  readonly images: ImagePuller;
  readonly events: EngineEvents;
  readonly networks: SharedNetworks;
  readonly maxWaitingPulls: number;
  readonly seccompDirectory?: string | undefined;
  readonly pullTimeoutMs: number;
  readonly createTimeoutMs: number;
}): ContainerCreation {
  const { docker, images, maxWaitingPulls: maxWaiting } = options;
  const pulls = createLaunchSlots({ name: 'pulls', atOnce: PULLS_AT_ONCE, maxWaiting });

  const pull: ContainerCreation['pull'] = async (spec, { cancel, tell }) => {
    const { image, forcePull: force } = spec.docker ?? { image: '', forcePull: false };
    const log = createLaunchLog(spec.sandbox);
    const timing = { timeoutMs: options.pullTimeoutMs, cancel };
    await pulls.run(async () => {
      await withinPhase('pull', timing, async (signal) => {
        await images.ensure({
          ...{ image, force, sandbox: spec.sandbox, signal },
          tell(progress) {
            log.tell(progress);
            tell?.(progress);
          },
        });
      });
    });
    await log.end();
  };

  const createOnce = async (
    spec: LaunchSpec,
    config: ContainerConfig,
    cancel: AbortSignal,
  ): Promise<CreatedContainer> =>
    await withinPhase('create', { timeoutMs: options.createTimeoutMs, cancel }, async (signal) => {
      await options.events.start();
      const network = await options.networks.ensure(spec);
      signal.throwIfAborted();
      const ip = network?.addresses.ipAddress;
      const Env = [...(config.Env ?? []), ...(ip ? [`MESOS_CONTAINER_IP=${ip}`] : [])];
      const confined = await withSeccomp(config, spec.docker?.seccomp, options.seccompDirectory);
      const container = await docker.createContainer({ ...confined, Env, abortSignal: signal });
      return { container, network };
    });

  return {
    pull,
    async create(spec, config, course) {
      try {
        return await createOnce(spec, config, course.cancel);
      } catch (error) {
        if (!hasStatus((error as LaunchError).cause, 404)) throw error;
        if ((await findImageId(docker, config.Image ?? '')) !== undefined) throw error;
        // Another agent on this engine has removed it in this moment.
        await pull(spec, course);
        return await createOnce(spec, config, course.cancel);
      }
    },
  };
}
