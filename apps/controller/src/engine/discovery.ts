import { type App, endpointsOf, type Instance, type PodApp } from '#core';
import type { WireLabels } from '#mesos-v1';
import type { TaskPort } from './task-environment.js';

/** Where a port is to be found, as Marathon tells it: at the host, or at the container's own address. */
const SCOPE_LABEL = 'network-scope';

export const isHostNetwork = (app: App): boolean => (app.networks[0]?.mode ?? 'host') === 'host';

/** `/shop/web` is `web.shop`, the name Mesos' own tools show. */
export const taskName = (appId: string): string =>
  appId
    .split('/')
    .filter((segment) => segment !== '')
    .reverse()
    .join('.');

export const toWireLabels = (labels: Readonly<Record<string, string>>): WireLabels => ({
  labels: Object.entries(labels).map(([key, value]) => ({ key, value })),
});

/** DiscoveryInfo of a task, one port for each protocol, with the labels of its definition or mapping. */
export const toDiscovery = (
  app: App,
  { hostPorts }: Pick<Instance, 'hostPorts'>,
  ports: readonly TaskPort[],
): unknown => {
  const isHost = isHostNetwork(app);
  const declared = isHost ? app.portDefinitions : (app.container?.portMappings ?? []);
  return toDiscoveryInfo(
    app.id,
    declared.flatMap(({ name = undefined, protocol, labels }, index) =>
      toPorts({
        number: ports[index]?.port ?? 0,
        name: name ?? `port${index}`,
        protocols: protocol.split(','),
        labels: isHost ? labels : { ...labels, ...scopeOf(hostPorts[index]) },
      }),
    ),
  );
};

/** The same of one container of a pod: its endpoints. */
export const toContainerDiscovery = (
  app: PodApp,
  { hostPorts }: Pick<Instance, 'hostPorts'>,
  given: { readonly container: string; readonly ports: readonly TaskPort[] },
): unknown =>
  toDiscoveryInfo(
    app.id,
    endpointsOf(app.pod).flatMap(({ container, endpoint }, index) =>
      container !== given.container
        ? []
        : toPorts({
            number: given.ports[index]?.port ?? 0,
            name: endpoint.name,
            protocols: endpoint.protocol,
            labels: isHostNetwork(app)
              ? endpoint.labels
              : { ...endpoint.labels, ...scopeOf(hostPorts[index]) },
          }),
    ),
  );

const toDiscoveryInfo = (appId: string, ports: readonly unknown[]) => ({
  visibility: 'FRAMEWORK',
  name: taskName(appId),
  ports: { ports },
});

const scopeOf = (hostPort: number | null | undefined) => ({
  [SCOPE_LABEL]: typeof hostPort === 'number' ? 'host' : 'container',
});

const toPorts = (port: {
  readonly number: number;
  readonly name: string;
  readonly protocols: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}) =>
  port.protocols.map((protocol) => ({
    number: port.number,
    name: port.name,
    protocol: protocol.trim(),
    ...(Object.keys(port.labels).length === 0 ? {} : { labels: toWireLabels(port.labels) }),
  }));
