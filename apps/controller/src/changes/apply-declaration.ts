import type { App, AppId, Group, GroupId, RootGroup } from '#core';
import type { Declaration } from '#marathon-v2';

/** The root as it would be with a declaration applied. O(all apps and groups): for dry runs. */
export function applyDeclaration(root: RootGroup, declared: Declaration): RootGroup {
  const apps = new Map<AppId, App>(root.apps);
  const groups = new Map<GroupId, Group>(root.groups);
  for (const id of declared.removeApps) apps.delete(id);
  for (const id of declared.removeGroups) groups.delete(id);
  for (const app of declared.putApps) apps.set(app.id, app);
  for (const group of declared.putGroups) groups.set(group.id, group);
  return { revision: root.revision + 1, version: root.version, apps, groups };
}
