import type { App, Group } from './app.js';
import { type AppId, appId, type GroupId } from './ids.js';
import { servicePortsOf } from './service-ports.js';
import { SortedMap } from './sorted-map.js';

/**
 * Everything that should run, at one revision. Groups always include `/` and every ancestor of every app. Immutable: the
 * next revision shares with it what did not change, so that a change costs what it touches however much is declared.
 */
export interface RootGroup {
  /** Increases by one with each accepted change. */
  readonly revision: number;
  readonly version: string;
  readonly apps: SortedMap<AppId, App>;
  readonly groups: SortedMap<GroupId, Group>;
  /** The service ports in use, each with the apps that have it. */
  readonly servicePorts: SortedMap<number, readonly AppId[]>;
}

/** What a change of the declared state puts and removes; everything else stays. */
export interface RootDelta {
  readonly putApps: readonly App[];
  readonly removeApps: readonly AppId[];
  readonly putGroups: readonly Group[];
  readonly removeGroups: readonly GroupId[];
}

/** A root of these apps and groups. O(n log n). */
export function createRoot(about: {
  readonly revision: number;
  readonly version: string;
  readonly apps: Iterable<App>;
  readonly groups: Iterable<Group>;
}): RootGroup {
  const { revision, version } = about;
  const apps = SortedMap.from([...about.apps].map((app) => [app.id, app]));
  const groups = SortedMap.from([...about.groups].map((group) => [group.id, group]));
  const owners = new Map<number, AppId[]>();
  for (const app of apps.values()) {
    for (const port of portsOf(app)) {
      owners.set(port, [...(owners.get(port) ?? []), app.id]);
    }
  }
  return { revision, version, apps, groups, servicePorts: SortedMap.from(owners) };
}

/** The next revision: what is removed goes first, so that what is also put stays. O(what changes). */
export function nextRoot(root: RootGroup, delta: RootDelta, version: string): RootGroup {
  let { apps, groups, servicePorts } = root;
  for (const id of delta.removeApps) {
    servicePorts = movePorts(servicePorts, id, apps.get(id), undefined);
    apps = apps.without(id);
  }
  for (const app of delta.putApps) {
    servicePorts = movePorts(servicePorts, app.id, apps.get(app.id), app);
    apps = apps.with(app.id, app);
  }
  for (const id of delta.removeGroups) groups = groups.without(id);
  for (const group of delta.putGroups) groups = groups.with(group.id, group);
  return { revision: root.revision + 1, version, apps, groups, servicePorts };
}

/** All apps below a group, in order of id. O(log n + apps found). */
export const appsBelow = <Value>(
  apps: SortedMap<AppId, Value>,
  group: string,
): Iterable<[AppId, Value]> =>
  // '0' is the character after '/': what begins with `/group/` stands between the two.
  group === '/' ? apps : apps.between(appId(`${group}/`), appId(`${group}0`));

function movePorts(
  index: RootGroup['servicePorts'],
  id: AppId,
  before: App | undefined,
  after: App | undefined,
): RootGroup['servicePorts'] {
  const from = portsOf(before);
  const to = portsOf(after);
  let next = index;
  for (const port of from) {
    if (to.has(port)) continue;
    const others = (next.get(port) ?? []).filter((owner) => owner !== id);
    next = others.length === 0 ? next.without(port) : next.with(port, others);
  }
  for (const port of to) {
    if (!from.has(port)) next = next.with(port, [...(next.get(port) ?? []), id]);
  }
  return next;
}

/** Those that are assigned. */
const portsOf = (app: App | undefined): ReadonlySet<number> =>
  new Set(app === undefined ? [] : servicePortsOf(app).filter((port) => port !== 0));
