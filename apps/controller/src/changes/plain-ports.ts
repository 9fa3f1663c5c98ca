import {
  type App,
  type AppId,
  isHostNetworking,
  isPod,
  type RootDelta,
  type RootGroup,
  servicePortsOf,
} from '#core';
import { claimsOf, type RouteClaimIndex, type RouteClash } from '#routing';

interface Claimed {
  readonly appId: AppId;
  readonly where: string;
}

/**
 * Service ports that apps without a label of the edge newly name and cannot have there: a reserved port, or one another app has
 * by label, is nobody else's. Only routers of the group `*` would serve them, and with host networking many such numbers mean
 * nothing: they are warned of. `claims` has followed the apps of `root`. O(ports of what is put).
 */
export function findPlainPortClashes(
  root: RootGroup,
  declared: RootDelta,
  about: { readonly claims: RouteClaimIndex; readonly reservedPorts: ReadonlySet<number> },
): readonly RouteClash[] {
  const { claims, reservedPorts } = about;
  const moved = new Set([...declared.putApps.map(({ id }) => id), ...declared.removeApps]);
  const among = labelPortsAmong(declared.putApps);
  return declared.putApps.filter(hasPlainPorts).flatMap((app) => {
    const before = root.apps.get(app.id);
    const earlier = new Set(before === undefined ? [] : servicePortsOf(before));
    return servicePortsOf(app).flatMap((port, index): RouteClash[] => {
      if (port === 0 || earlier.has(port)) return [];
      const staying = claims.claimantsOfPort(port).filter(({ appId }) => !moved.has(appId));
      const other = [...staying, ...(among.get(port) ?? [])].find(isByLabel);
      if (other === undefined && !reservedPorts.has(port)) return [];
      const claim = { key: `port ${port}`, groups: [], where: portField(app, index) };
      return [{ appId: app.id, claim, ...(other === undefined ? {} : { other }) }];
    });
  });
}

/** Where a label newly asks for the service port of an app without labels, in words. O(claims of what is put). */
export function warnOfPlainPorts(root: RootGroup, declared: RootDelta): readonly string[] {
  const gone = new Set(declared.removeApps);
  return declared.putApps.flatMap((app) => {
    const before = root.apps.get(app.id);
    if (before === app) return [];
    return claimedPorts(app).flatMap(({ port }) => {
      const owner = (root.servicePorts.get(port) ?? []).find((id) => {
        const other = id === app.id || gone.has(id) ? undefined : root.apps.get(id);
        return other !== undefined && hasPlainPorts(other);
      });
      return owner === undefined
        ? []
        : [`${app.id}: port ${port} is a service port of ${owner} too`];
    });
  });
}

/** Asks nothing of the edge, and is served by routers that take all. A fixed host port may be whatever the host has free. */
function hasPlainPorts(app: App): boolean {
  if (app.workload === 'job' || isPod(app)) return false;
  if (isHostNetworking(app.networks) && app.requirePorts) return false;
  return !Object.keys(app.labels).some((label) => label.startsWith('HAPROXY_'));
}

function labelPortsAmong(apps: readonly App[]): ReadonlyMap<number, readonly Claimed[]> {
  const among = new Map<number, Claimed[]>();
  for (const app of apps) {
    for (const { port, where } of claimedPorts(app)) {
      among.set(port, [...(among.get(port) ?? []), { appId: app.id, where }]);
    }
  }
  return among;
}

const claimedPorts = (app: App): readonly { readonly port: number; readonly where: string }[] =>
  claimsOf(app).flatMap(({ key, where }) => {
    const [, port] = /^port (\d+)$/.exec(key) ?? [];
    return port === undefined || !isByLabel({ where }) ? [] : [{ port: Number(port), where }];
  });

const isByLabel = ({ where }: Pick<Claimed, 'where'>): boolean => where.startsWith('/labels/');

const portField = (app: App, index: number): string =>
  isHostNetworking(app.networks)
    ? `/portDefinitions(${index})/port`
    : `/container/portMappings(${index})/servicePort`;
