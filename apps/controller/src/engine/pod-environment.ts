import { endpointsOf, type PodApp, type PodContainer } from '#core';
import { asDouble, labelVariables, type TaskPort, toVariableName } from './task-environment.js';

/**
 * The environment of one container, in Marathon's order (later wins): what it is, the endpoints of the whole pod and the
 * host, then the pod's variables and the container's own. A secret reference has no value here and is left out.
 */
export function podEnvironment(about: {
  readonly app: PodApp;
  readonly container: PodContainer;
  readonly taskId: string;
  readonly host: string;
  /** One per endpoint of the pod. */
  readonly ports: readonly TaskPort[];
  readonly hostPorts: readonly (number | null)[];
  readonly isRoleEnforced: boolean;
}): Readonly<Record<string, string>> {
  const { app, container } = about;
  const { cpus, mem, disk, gpus } = container.resources;
  return {
    MESOS_TASK_ID: about.taskId,
    MARATHON_APP_ID: app.id,
    MARATHON_APP_VERSION: app.version,
    MARATHON_APP_ENFORCE_GROUP_ROLE: about.isRoleEnforced ? 'TRUE' : 'FALSE',
    MARATHON_CONTAINER_ID: container.name,
    MARATHON_CONTAINER_RESOURCE_CPUS: asDouble(cpus),
    MARATHON_CONTAINER_RESOURCE_MEM: asDouble(mem),
    MARATHON_CONTAINER_RESOURCE_DISK: asDouble(disk),
    MARATHON_CONTAINER_RESOURCE_GPUS: String(gpus),
    ...labelVariables({ ...app.labels, ...container.labels }),
    HOST: about.host,
    ...endpointVariables(about),
    ...plainValues(app.env),
    ...plainValues(container.environment),
  };
}

/** `ENDPOINT_<NAME>` is where to listen; `EP_HOST_<NAME>` and `EP_CONTAINER_<NAME>` tell the two sides apart. */
function endpointVariables({
  app,
  ports,
  hostPorts,
}: Pick<Parameters<typeof podEnvironment>[0], 'app' | 'ports' | 'hostPorts'>): Record<
  string,
  string
> {
  const variables: Record<string, string> = {};
  for (const [index, { endpoint }] of endpointsOf(app.pod).entries()) {
    const { port, requested } = ports[index] ?? { port: 0, requested: 0 };
    const hostPort = hostPorts[index] ?? undefined;
    const name = toVariableName(endpoint.name);
    const hasOwnPort = endpoint.containerPort !== undefined;
    variables[`ENDPOINT_${name}`] = String(hasOwnPort && requested !== 0 ? requested : port);
    if (hostPort !== undefined) variables[`EP_HOST_${name}`] = String(hostPort);
    if (hasOwnPort) variables[`EP_CONTAINER_${name}`] = String(requested === 0 ? port : requested);
  }
  return variables;
}

const plainValues = (environment: PodApp['env']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
