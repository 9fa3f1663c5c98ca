import { type GroupId, groupId } from '#core';
import type { Declaration } from './declaration.js';
import { isWithin, parentOf } from './path-id.js';

/**
 * The deepest group that holds everything a change names, which its event tells: of an app, and of what is removed, the
 * group it is (or was) in. The root when it names nothing.
 */
export function changedGroup({
  putApps,
  removeApps,
  putGroups,
  removeGroups,
}: Declaration): GroupId {
  const members = [...putApps.map(({ id }) => id), ...removeApps, ...removeGroups];
  const places = members.length > 0 ? members.map(parentOf) : putGroups.map(({ id }) => id);
  const [first, ...others] = places;
  return groupId(first === undefined ? '/' : others.reduce(commonGroup, first));
}

function commonGroup(left: string, right: string): string {
  let common = left;
  while (!isWithin(right, common)) common = parentOf(common);
  return common;
}
