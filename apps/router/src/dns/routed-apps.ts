import type { WireApp } from '#marathon-v2';
import { appsOfRoute, type RoutedApp, type RouteTable } from '#routing';

/** The apps a route table leads to, with the ports it listens on for each, by app id. O(routes). */
export function routedApps(
  { routes }: RouteTable,
  apps: ReadonlyMap<string, WireApp>,
): ReadonlyMap<string, RoutedApp> {
  const routed = new Map<string, { id: string; ports: { port: number; name?: string }[] }>();
  for (const route of routes) {
    for (const id of appsOfRoute(route)) {
      const app = routed.get(id) ?? { id, ports: [] };
      routed.set(id, app);
      const { listener, portIndex } = route;
      // One with an address of its own is not at those of the edge.
      if (listener === undefined || listener.address !== undefined) continue;
      const name = portName(apps.get(id), portIndex);
      app.ports.push({ port: listener.port, ...(name === undefined ? {} : { name }) });
    }
  }
  return routed;
}

function portName(app: WireApp | undefined, portIndex: number): string | undefined {
  const isContainerNetworked = app?.networks?.some(({ mode }) => mode !== 'host') === true;
  const ports = isContainerNetworked ? app?.container?.portMappings : app?.portDefinitions;
  return ports?.[portIndex]?.name;
}

/** Whether both are led to by the same ports. */
export const isSameRoute = (one: RoutedApp, other: RoutedApp | undefined): boolean =>
  one.ports.length === other?.ports.length &&
  one.ports.every(
    ({ port, name }, index) =>
      port === other.ports[index]?.port && name === other.ports[index]?.name,
  );
