/** The containers of one agent, told from those of others on the same engine by its scope. */
import type Dockerode from 'dockerode';
import type { RunKey } from '#core';
import { RUN_LABEL, runOfLabels, SCOPE_LABEL, TASK_LABEL } from './docker-container-config.js';
import { withTimeout } from './docker-containers.js';

/** Running and ended ones, with these labels too. */
export async function listOwnContainers(
  docker: Dockerode,
  scope: string,
  ...labels: readonly string[]
): Promise<Dockerode.ContainerInfo[]> {
  const filters = { label: [`${SCOPE_LABEL}=${scope}`, ...labels] };
  return await docker.listContainers({ all: true, filters, ...withTimeout() });
}

/** The one of a run. */
export async function findOwnContainer(
  docker: Dockerode,
  scope: string,
  run: RunKey,
): Promise<Dockerode.Container | undefined> {
  const labelled = await listOwnContainers(docker, scope, `${RUN_LABEL}=${run}`);
  // One made before there were keys: by then the task's id was its key.
  const own =
    labelled.length > 0 ? labelled : await listOwnContainers(docker, scope, `${TASK_LABEL}=${run}`);
  const first = own.find(({ Labels }) => runOfLabels(Labels) === run);
  return first === undefined ? undefined : docker.getContainer(first.Id);
}
