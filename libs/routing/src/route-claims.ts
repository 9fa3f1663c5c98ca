import { type App, type AppId, isPod, type SortedMap, servicePortsOf } from '#core';
import { deploymentGroupOf } from './deployment-groups.js';
import { type PathPrefix, readPortLabels } from './labels/port-labels.js';
import { EVERYWHERE, isAddressShared } from './listen-address.js';

/** Something only one app can have at an edge that serves it: a host with a path, or a port to listen on. */
export interface RouteClaim {
  /** `host shop.example.com/api`, `TLS of host shop.example.com` or `port 10080`: equal for those that may collide. */
  readonly key: string;
  /** Of ports: `*` is every address. Of hosts undefined. */
  readonly address?: string;
  /** Of the TLS of a host: whether it is passed through. Those who end it share it. */
  readonly passthrough?: boolean;
  /** Routers it is served by: empty, only those that take all. */
  readonly groups: readonly string[];
  /** Apps of one deployment group stand for the same thing. */
  readonly deploymentGroup?: string;
  /** The label or field that asks for it, as a path: `/labels/HAPROXY_0_VHOST`. */
  readonly where: string;
}

/** Two apps that cannot have the same at one edge, or one that asks for what nobody may have. */
export interface RouteClash {
  readonly appId: AppId;
  readonly claim: RouteClaim;
  /** The app that has it already, and by which label or field; absent: the port is reserved. */
  readonly other?: { readonly appId: AppId; readonly where: string };
}

const LABEL_PREFIX = 'HAPROXY_';

/**
 * What an app asks of the edge. Only apps with a label of the edge ask for anything: what has a service port and nothing
 * else keeps it to itself, as in Marathon. O(ports + labels).
 */
export function claimsOf(app: App): readonly RouteClaim[] {
  const asks = Object.keys(app.labels).some((label) => label.startsWith(LABEL_PREFIX));
  if (!asks || app.workload === 'job' || isPod(app)) return [];
  const claims = new Map<string, RouteClaim>();
  for (const [portIndex, servicePort] of servicePortsOf(app).entries()) {
    for (const claim of claimsOfPort(app, portIndex, servicePort)) {
      const identity = `${claim.key} ${claim.address ?? ''} ${claim.passthrough ?? ''}`;
      if (!claims.has(identity)) claims.set(identity, claim);
    }
  }
  return [...claims.values()];
}

function claimsOfPort(app: App, portIndex: number, servicePort: number): readonly RouteClaim[] {
  const { labels } = readPortLabels({ labels: app.labels }, portIndex);
  if (labels.enabled === false) return [];
  const deploymentGroup = deploymentGroupOf(app);
  const about = {
    groups: labels.groups,
    ...(deploymentGroup === undefined ? {} : { deploymentGroup }),
  };
  const label = (name: string): string => `/labels/${LABEL_PREFIX}${portIndex}_${name}`;
  const port = labels.port ?? servicePort;
  const where = labels.port === undefined ? portField(app, portIndex) : label('PORT');
  const ports =
    port > 0 && !labels.isUnbound
      ? [{ ...about, key: `port ${port}`, address: labels.bindAddress ?? EVERYWHERE, where }]
      : [];
  // A host name can only be read from an HTTP request, or from the hello of TLS.
  const vhosts = labels.mode === 'tcp' && !labels.passthrough ? [] : labels.vhosts;
  const paths = labels.passthrough ? [] : labels.paths;
  const hosts = vhosts.flatMap((host) =>
    hostKeys(host, paths).map((key) => ({ ...about, key: `host ${key}`, where: label('VHOST') })),
  );
  const { passthrough } = labels;
  // Who claims the whole of a host has its TLS by that.
  const tls = passthrough || paths.length > 0 ? vhosts : [];
  return [
    ...hosts,
    ...tls.map((host) => ({
      ...{ ...about, key: `TLS of host ${host}`, passthrough },
      where: label(passthrough ? 'SSL_PASSTHROUGH' : 'PATH'),
    })),
    ...ports,
  ];
}

/** What of a host is claimed: all of it, or what begins with a path. */
export const hostKeys = (host: string, paths: readonly PathPrefix[]): readonly string[] =>
  paths.length === 0
    ? [host]
    : paths.map(({ path, ignoresCase }) => {
        if (path === '/') return host;
        return ignoresCase ? `${host}${path.toLowerCase()} (any case)` : host + path;
      });

const portField = (app: App, index: number): string =>
  app.networks.some(({ mode }) => mode !== 'host')
    ? `/container/portMappings(${index})/servicePort`
    : `/portDefinitions(${index})/port`;

/** Whether two claims with the same key cannot both be met by some router. */
export function collide(left: RouteClaim, right: RouteClaim): boolean {
  const { deploymentGroup } = left;
  if (deploymentGroup !== undefined && deploymentGroup === right.deploymentGroup) return false;
  if (left.passthrough !== undefined && left.passthrough === right.passthrough) return false;
  const isShared = isAddressShared(left.address ?? EVERYWHERE, right.address ?? EVERYWHERE);
  return isShared && isRouterShared(left.groups, right.groups);
}

/** What has no group is served only by routers that take all, and those take the other one too. */
const isRouterShared = (left: readonly string[], right: readonly string[]): boolean =>
  isForAll(left) || isForAll(right) || left.some((group) => right.includes(group));

const isForAll = (groups: readonly string[]): boolean =>
  groups.length === 0 || groups.includes('*');

interface Claimant {
  readonly appId: AppId;
  readonly claim: RouteClaim;
}

/** What a change declares. */
export interface ClaimingChange {
  readonly putApps: readonly App[];
  readonly removeApps: readonly AppId[];
}

/**
 * Who claims what, of one version of the declared apps at a time. Going over to another version costs what differs
 * between the two, in either direction, so a change costs the same however much is declared. Owned by one writer.
 */
export class RouteClaimIndex {
  private readonly byKey = new Map<string, Claimant[]>();
  private known: SortedMap<AppId, App> | undefined;

  /** Goes over to these apps. The first time O(apps), then O(what differs + apps / 128). */
  follow(apps: SortedMap<AppId, App>): void {
    const { known } = this;
    if (known === apps) return;
    for (const app of known?.valuesSince(apps) ?? []) {
      if (apps.get(app.id) !== app) this.remove(app);
    }
    for (const app of known === undefined ? apps.values() : apps.valuesSince(known)) {
      if (known?.get(app.id) !== app) this.add(app);
    }
    this.known = apps;
  }

  /**
   * Where a change of the apps followed last would have two apps claim the same, or a reserved port. `isNew`: these two
   * did not clash there before the change; what an app has had goes on. At most one clash per claim, a new one first.
   * O(claims of what is put + those that share a key).
   */
  findClashes(
    change: ClaimingChange,
    reservedPorts: ReadonlySet<number>,
  ): readonly (RouteClash & { readonly isNew: boolean })[] {
    const put = new Map(change.putApps.map((app) => [app.id, app]));
    const gone = new Set(change.removeApps);
    const held = this.claimsHeldBy(put);
    const among = new Map<string, Claimant[]>();
    const clashes: (RouteClash & { isNew: boolean })[] = [];
    for (const app of put.values()) {
      const before = this.known?.get(app.id);
      if (before === app) {
        note(among, app);
        continue;
      }
      const earlier = before === undefined ? [] : claimsOf(before);
      for (const claim of claimsOf(app)) {
        const stays = (this.byKey.get(claim.key) ?? []).filter(
          ({ appId }) => !put.has(appId) && !gone.has(appId),
        );
        const isKept = earlier.some((one) => isSameClaim(one, claim));
        // What the others of this change have had, wherever they stand in it, is theirs.
        const others = isKept
          ? []
          : (held.get(claim.key) ?? []).filter(({ appId }) => appId !== app.id);
        const rivals = [...stays, ...others, ...(among.get(claim.key) ?? [])].filter((one) =>
          collide(one.claim, claim),
        );
        // A claim that is only made another way adds no clash with whom it has clashed already.
        const same = earlier.filter(({ key }) => key === claim.key);
        const fresh = isKept ? undefined : rivals.find((rival) => !this.hasClashed(same, rival));
        const rival = fresh ?? rivals[0];
        if (rival === undefined && !isReserved(claim, reservedPorts)) continue;
        const isNew = rival === undefined ? same.length === 0 : fresh !== undefined;
        const other = rival && { appId: rival.appId, where: rival.claim.where };
        clashes.push({ appId: app.id, claim, isNew, ...(other === undefined ? {} : { other }) });
      }
      note(among, app);
    }
    return clashes;
  }

  /** Which of the apps followed last ask for a port, at whatever routers, and by which label or field. */
  claimantsOfPort(port: number): readonly { readonly appId: AppId; readonly where: string }[] {
    const claimants = this.byKey.get(`port ${port}`) ?? [];
    return claimants.map(({ appId, claim }) => ({ appId, where: claim.where }));
  }

  /** Whether one of these claims, all of one key, was in the way of an app before the change. */
  private hasClashed(earlier: readonly RouteClaim[], { appId, claim }: Claimant): boolean {
    const rival = earlier.length === 0 ? undefined : this.known?.get(appId);
    return (rival === undefined ? [] : claimsOf(rival)).some(
      (one) => one.key === claim.key && earlier.some((mine) => collide(mine, one)),
    );
  }

  /** What apps of a change claim that they have claimed before. */
  private claimsHeldBy(put: ReadonlyMap<AppId, App>): ReadonlyMap<string, Claimant[]> {
    const held = new Map<string, Claimant[]>();
    for (const app of put.values()) {
      const before = this.known?.get(app.id);
      if (before === undefined) continue;
      const earlier = claimsOf(before);
      const kept = claimsOf(app).filter((claim) => earlier.some((one) => isSameClaim(one, claim)));
      for (const claim of kept) {
        const claimants = held.get(claim.key) ?? [];
        held.set(claim.key, [...claimants, { appId: app.id, claim }]);
      }
    }
    return held;
  }

  /** Every claim of the apps followed last that another app, earlier in order of ids, has. O(claims). */
  everyClash(reservedPorts: ReadonlySet<number>): readonly RouteClash[] {
    const clashes: RouteClash[] = [];
    for (const claimants of this.byKey.values()) {
      const [first] = claimants;
      if (
        claimants.length < 2 &&
        (first === undefined || !isReserved(first.claim, reservedPorts))
      ) {
        continue;
      }
      // However many share the TLS of a host with paths of theirs.
      if (first?.claim.passthrough === false && claimants.every(isEnding)) continue;
      const sorted = [...claimants].sort((left, right) => (left.appId < right.appId ? -1 : 1));
      for (const [at, { appId, claim }] of sorted.entries()) {
        const rival = sorted.slice(0, at).find((one) => collide(one.claim, claim));
        const other = rival && { appId: rival.appId, where: rival.claim.where };
        if (other !== undefined) clashes.push({ appId, claim, other });
        else if (isReserved(claim, reservedPorts)) clashes.push({ appId, claim });
      }
    }
    return clashes.sort((left, right) => (left.appId < right.appId ? -1 : 1));
  }

  private add(app: App): void {
    note(this.byKey, app);
  }

  private remove(app: App): void {
    for (const { key } of claimsOf(app)) {
      const left = (this.byKey.get(key) ?? []).filter(({ appId }) => appId !== app.id);
      if (left.length === 0) this.byKey.delete(key);
      else this.byKey.set(key, left);
    }
  }
}

const isEnding = ({ claim }: Claimant): boolean => claim.passthrough === false;

function note(index: Map<string, Claimant[]>, app: App): void {
  for (const claim of claimsOf(app)) {
    const claimants = index.get(claim.key);
    if (claimants === undefined) index.set(claim.key, [{ appId: app.id, claim }]);
    else claimants.push({ appId: app.id, claim });
  }
}

const isSameClaim = (left: RouteClaim, right: RouteClaim): boolean =>
  left.key === right.key &&
  left.address === right.address &&
  left.passthrough === right.passthrough &&
  left.deploymentGroup === right.deploymentGroup &&
  left.groups.length === right.groups.length &&
  left.groups.every((group) => right.groups.includes(group));

const isReserved = (claim: RouteClaim, reservedPorts: ReadonlySet<number>): boolean =>
  reservedPorts.has(portOf(claim));

/** NaN for a host. */
const portOf = ({ key }: RouteClaim): number => Number(/^port (\d+)$/.exec(key)?.[1]);

/** A clash in words: the app, what it asks for, and who has it. */
export function describeClash({ appId, claim, other }: RouteClash): string {
  const what = `${appId}: ${claim.key}${describeAddress(claim)}`;
  if (other === undefined) return `${what} is reserved for the edge or a daemon`;
  return `${what} is already claimed by ${other.appId} (${other.where.slice(1)})`;
}

const describeAddress = ({ address }: RouteClaim): string =>
  address === undefined || address === EVERYWHERE ? '' : ` on ${address}`;
