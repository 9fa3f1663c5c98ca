import type { App, HealthCheck, Instance, ProbeTarget, ReadinessCheck } from '#core';

type Found =
  | { readonly ok: true; readonly target: ProbeTarget }
  | { readonly ok: false; readonly reason: string };

/** Where the controller probes a health check of an instance. COMMAND is not probed over the network. */
export function toProbeTarget(
  app: App,
  instance: Instance,
  check: Pick<HealthCheck, 'protocol' | 'path' | 'port' | 'portIndex'>,
): Found {
  const address =
    check.port === undefined
      ? portAddress(app, instance, check.portIndex ?? 0)
      : { host: hostOf(instance), port: check.port };
  if (address === undefined) {
    return { ok: false, reason: `the instance has no port of index ${check.portIndex ?? 0}` };
  }
  switch (check.protocol) {
    case 'HTTP':
    case 'MESOS_HTTP':
      return http('http', address, check.path);
    case 'HTTPS':
    case 'MESOS_HTTPS':
      return http('https', address, check.path);
    case 'TCP':
    case 'MESOS_TCP':
      return { ok: true, target: { kind: 'tcp', ...address } };
    case 'COMMAND':
      return { ok: false, reason: 'a command is run by the agent' };
    default:
      return check.protocol satisfies never;
  }
}

export function toReadinessTarget(app: App, instance: Instance, check: ReadinessCheck): Found {
  const named = app.container?.portMappings ?? app.portDefinitions;
  const index = named.findIndex(({ name }) => name === check.portName);
  const address = index < 0 ? undefined : portAddress(app, instance, index);
  if (address === undefined) {
    return { ok: false, reason: `the instance has no port named ${check.portName}` };
  }
  return http(check.protocol === 'HTTPS' ? 'https' : 'http', address, check.path);
}

const http = (
  scheme: 'http' | 'https',
  address: { readonly host: string; readonly port: number },
  path: string | undefined,
): Found => ({ ok: true, target: { kind: 'http', scheme, ...address, path: path ?? '/' } });

const hostOf = (instance: Instance): string => instance.placement?.hostname ?? '';

/** The host port, or where none is mapped the container's own address and port. */
function portAddress(
  app: App,
  instance: Instance,
  index: number,
): { readonly host: string; readonly port: number } | undefined {
  const hostPort = instance.hostPorts[index];
  if (hostPort !== null && hostPort !== undefined)
    return { host: hostOf(instance), port: hostPort };
  const containerPort = app.container?.portMappings?.[index]?.containerPort;
  const address = instance.ipAddresses[0]?.ipAddress;
  if (containerPort === undefined || containerPort === 0 || address === undefined) return undefined;
  return { host: address, port: containerPort };
}
