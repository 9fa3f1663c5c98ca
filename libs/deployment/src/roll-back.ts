import type { App, AppId, Group, GroupId, RootGroup } from '#core';

/** What undoes a change; everything it does not name stays. */
export interface InverseDelta {
  readonly putApps: readonly App[];
  readonly removeApps: readonly AppId[];
  readonly putGroups: readonly Group[];
  readonly removeGroups: readonly GroupId[];
}

/**
 * The inverse of (original -> target) against the current root: apps and groups the change altered or removed return
 * to their original definition, those it added go (groups only when nothing else came to live in them), and what other
 * deployments changed meanwhile stays. O(apps + groups); only entries that differ are looked at closely.
 */
export function planRollback(
  original: RootGroup,
  target: RootGroup,
  current: RootGroup,
): InverseDelta {
  const putApps: App[] = [];
  const removeApps: AppId[] = [];
  for (const id of new Set([...original.apps.keys(), ...target.apps.keys()])) {
    const before = original.apps.get(id);
    const after = target.apps.get(id);
    if (before?.version === after?.version) continue;
    if (before !== undefined) putApps.push(before);
    else if (current.apps.has(id)) removeApps.push(id);
  }
  const { putGroups, addedGroups } = compareGroups(original, target);
  const removed = new Set<string>(removeApps);
  const kept = [
    ...[...current.apps.keys()].filter((id) => !removed.has(id)),
    ...putApps.map((app) => app.id),
    ...[...current.groups.keys()].filter((id) => !addedGroups.has(id)),
  ];
  const removeGroups = [...addedGroups].filter(
    (id) => current.groups.has(id) && !kept.some((other) => other.startsWith(`${id}/`)),
  );
  return { putApps, removeApps, putGroups, removeGroups };
}

function compareGroups(
  original: RootGroup,
  target: RootGroup,
): { readonly putGroups: readonly Group[]; readonly addedGroups: ReadonlySet<GroupId> } {
  const putGroups: Group[] = [];
  const addedGroups = new Set<GroupId>();
  for (const id of new Set([...original.groups.keys(), ...target.groups.keys()])) {
    const before = original.groups.get(id);
    const after = target.groups.get(id);
    if (before === undefined) addedGroups.add(id);
    else if (after === undefined || !isSameGroup(before, after)) putGroups.push(before);
  }
  return { putGroups, addedGroups };
}

const isSameGroup = (left: Group, right: Group): boolean =>
  left === right ||
  (left.enforceRole === right.enforceRole &&
    left.dependencies.length === right.dependencies.length &&
    left.dependencies.every((target, index) => target === right.dependencies[index]));
