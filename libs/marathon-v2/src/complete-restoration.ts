import { appId, type Group, groupId, isResident, nextRoot, type RootGroup } from '#core';
import type { Declaration } from './declaration.js';
import { describeDependencyCycle } from './dependency-cycle.js';
import { ancestorsOf } from './path-id.js';
import { accept, type Outcome, ProblemLog, refuse } from './refusal.js';
import { validateResidentUpdate } from './validate-app.js';

/**
 * Completes and checks a change that brings earlier definitions back, by the rules that concern more than one app. They
 * were valid in the root they come from; others may have changed theirs meanwhile. Adds groups that are missing above
 * what comes back. O(what comes back and what that depends on).
 */
export function completeRestoration(
  root: RootGroup,
  restored: Declaration,
  version: string,
): Outcome<Declaration> {
  const problems = new ProblemLog();
  const declaration = addMissingGroups(root, restored, version);
  const after = nextRoot(root, declaration, version);
  for (const { id } of [...declaration.putApps, ...declaration.putGroups]) {
    if (!after.apps.has(appId(id)) || !after.groups.has(groupId(id))) continue;
    problems.reportRule('/id', `an app and a group may not share a path: '${id}' would be both`);
  }
  // The volumes that a deployment has brought go with it, else nothing could undo it.
  for (const app of declaration.putApps) {
    const before = root.apps.get(app.id);
    if (before === undefined || !isResident(app)) continue;
    validateResidentUpdate(before, app, { path: '', problems });
  }
  const cycle = describeDependencyCycle(after, declaration);
  if (cycle !== undefined) problems.reportRule('/', cycle);
  const refusal = problems.refusal();
  return refusal === undefined ? accept(declaration) : refuse(refusal);
}

function addMissingGroups(root: RootGroup, restored: Declaration, version: string): Declaration {
  const { groups } = nextRoot(root, restored, version);
  const wanted = [...restored.putApps, ...restored.putGroups].flatMap(({ id }) => ancestorsOf(id));
  const missing = [...new Set(wanted)]
    .map(groupId)
    .filter((id) => !groups.has(id))
    .map((id): Group => ({ id, dependencies: [], enforceRole: false, version }));
  return missing.length === 0
    ? restored
    : {
        ...restored,
        putGroups: [...restored.putGroups, ...missing],
        removeGroups: restored.removeGroups.filter((id) => !wanted.includes(id)),
      };
}
