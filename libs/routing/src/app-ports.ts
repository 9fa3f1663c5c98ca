import type { WireApp, WireTask } from '#marathon-v2';

/** One port an app publishes, in the order of its labels. */
export interface AppPort {
  readonly portIndex: number;
  /** 0: the app has none. */
  readonly servicePort: number;
  readonly protocols: readonly string[];
  readonly name?: string;
}

/** One per port mapping or port definition; of a Marathon that knows neither, its `ports`. */
export function portsOf(app: WireApp): readonly AppPort[] {
  const mappings = mappingsOf(app);
  if (isContainerNetworked(app) && mappings !== undefined) {
    return mappings.map((mapping, portIndex) => toPort(portIndex, mapping.servicePort, mapping));
  }
  if (app.portDefinitions !== undefined) {
    return app.portDefinitions.map((definition, portIndex) =>
      toPort(portIndex, definition.port, definition),
    );
  }
  const ports: unknown = app['ports'];
  return Array.isArray(ports)
    ? ports.map((port, portIndex) => toPort(portIndex, Number(port), {}))
    : [];
}

function toPort(
  portIndex: number,
  servicePort: number | undefined,
  port: { readonly protocol?: string; readonly name?: string },
): AppPort {
  return {
    portIndex,
    servicePort: servicePort ?? 0,
    protocols: (port.protocol ?? 'tcp').split(',').map((protocol) => protocol.trim()),
    ...(port.name === undefined ? {} : { name: port.name }),
  };
}

/** Marathon before 1.5 has the mappings below `docker`, and `ipAddress` for a network of containers. */
const mappingsOf = (app: WireApp) =>
  app.container?.portMappings ??
  (app.container?.docker?.['portMappings'] as
    | NonNullable<WireApp['container']>['portMappings']
    | undefined);

/** Whether its instances have a network of their own. */
export function isContainerNetworked(app: WireApp): boolean {
  const networks = app.networks as WireApp['networks'] | undefined;
  if (networks !== undefined) return networks.some((network) => network.mode !== 'host');
  const network = app.container?.docker?.['network'];
  return app['ipAddress'] != null || network === 'BRIDGE' || network === 'USER';
}

/** Where a task answers for a port; undefined: nowhere yet. */
export function targetOf(
  app: WireApp,
  task: WireTask,
  portIndex: number,
): { readonly address: string; readonly port: number } | undefined {
  const mapping = isContainerNetworked(app) ? mappingsOf(app)?.[portIndex] : undefined;
  const ip = task.ipAddresses?.[0]?.ipAddress;
  if (mapping !== undefined && mapping.hostPort === undefined && ip !== undefined) {
    return mapping.containerPort > 0 ? { address: ip, port: mapping.containerPort } : undefined;
  }
  const port = task.ports?.[hostPortIndex(app, portIndex)];
  return port === undefined || port <= 0 ? undefined : { address: task.host, port };
}

/** `task.ports` has no entry for mappings without a host port. */
function hostPortIndex(app: WireApp, portIndex: number): number {
  if (!isContainerNetworked(app)) return portIndex;
  const mappings = mappingsOf(app) ?? [];
  return mappings.slice(0, portIndex).filter((mapping) => mapping.hostPort !== undefined).length;
}
