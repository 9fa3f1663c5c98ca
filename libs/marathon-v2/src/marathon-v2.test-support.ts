import { type App, type AppId, type Group, type GroupId, groupId, type RootGroup } from '#core';
import type { ChangeRules, Declaration } from './declaration.js';
import type { Outcome, Refusal } from './refusal.js';

/** The rules of a controller with default settings. */
export const rules: ChangeRules = {
  defaultRole: '*',
  features: new Set(['gpu_resources']),
  servicePorts: { min: 10_000, max: 20_000 },
};

export const emptyRoot = (): RootGroup => ({
  revision: 1,
  version: '2025-01-01T00:00:00.000Z',
  apps: new Map(),
  groups: new Map([
    [
      groupId('/'),
      {
        id: groupId('/'),
        dependencies: [],
        enforceRole: false,
        version: '2025-01-01T00:00:00.000Z',
      },
    ],
  ]),
});

/** The root after a declaration was accepted. */
export function applyDeclaration(root: RootGroup, declared: Declaration): RootGroup {
  const apps = new Map<AppId, App>(root.apps);
  const groups = new Map<GroupId, Group>(root.groups);
  for (const id of declared.removeApps) apps.delete(id);
  for (const id of declared.removeGroups) groups.delete(id);
  for (const app of declared.putApps) apps.set(app.id, app);
  for (const group of declared.putGroups) groups.set(group.id, group);
  return { ...root, revision: root.revision + 1, apps, groups };
}

/** The value, or a failure that shows the refusal. */
export function unwrap<Value>(outcome: Outcome<Value>): Value {
  if (outcome.ok) return outcome.value;
  throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`);
}

/** The refusal, or a failure. */
export function refusalOf(outcome: Outcome<unknown>): Refusal {
  if (!outcome.ok) return outcome.refusal;
  throw new Error(`accepted: ${JSON.stringify(outcome.value)}`);
}
