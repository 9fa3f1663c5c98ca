import { type App, type AppId, appId, groupId, isPod, type PodApp } from '#core';
import { type ChangeContext, startDraft, surroundingsOf } from './change-apps.js';
import { completePod } from './complete-pod.js';
import type { Declaration } from './declaration.js';
import { resolveAppId } from './path-id.js';
import type { PodUpdate } from './pod-fields.js';
import { accept, type Outcome, refuse } from './refusal.js';
import { validatePod } from './validate-pod.js';

/** The id a pod is declared by, relative to the root; a wrong one is a refusal. */
export function idOfPod(update: PodUpdate): Outcome<AppId> {
  const parsed = resolveAppId(update.id, '/');
  return parsed.ok
    ? accept(appId(parsed.id))
    : refuse({ kind: 'broken-rule', details: [{ path: '/id', errors: [parsed.error] }] });
}

/** Declares a pod; `create` refuses one that exists. Where an app or a group is, no pod can be (409). */
export function declarePod(
  context: ChangeContext,
  update: PodUpdate,
  options: { readonly mode: 'create' | 'upsert' },
): Outcome<Declaration> {
  const parsed = idOfPod(update);
  if (!parsed.ok) return parsed;
  const id = parsed.value;
  const before = context.root.apps.get(id);
  const occupant = occupantOf(context, id, before);
  if (occupant !== undefined && (occupant !== 'A pod' || options.mode === 'create')) {
    return refuse({ kind: 'exists', message: `${occupant} with id [${id}] already exists.` });
  }
  const draft = startDraft(context);
  const { surroundings, allowedRolesFor } = surroundingsOf(draft, id);
  const definition = completePod(id, update.fields, surroundings);
  const allowedRoles = allowedRolesFor(definition);
  definition.pod?.containers.forEach(({ name }, index) => {
    draft.problems.name(`/containers(${index})`, name);
  });
  validatePod(definition, { features: draft.rules.features, allowedRoles }, draft.problems);
  draft.putApp(definition, '');
  return draft.conclude();
}

function occupantOf(
  { root }: ChangeContext,
  id: AppId,
  before: App | undefined,
): 'An app' | 'A pod' | 'A group' | undefined {
  if (before !== undefined) return isPod(before) ? 'A pod' : 'An app';
  return root.groups.has(groupId(id)) ? 'A group' : undefined;
}

/** Removes a pod; its groups stay. */
export function removePod({ root }: ChangeContext, id: AppId): Outcome<Declaration> {
  return findPod(root.apps, id) === undefined
    ? refuse(missingPod(id))
    : accept({ putApps: [], removeApps: [id], putGroups: [], removeGroups: [] });
}

/** The pod of an id, and no app. */
export function findPod(apps: ReadonlyMap<AppId, App>, id: string): PodApp | undefined {
  const app = apps.get(appId(id));
  return app !== undefined && isPod(app) ? app : undefined;
}

/** The app of an id, and no pod. */
export function findApp(apps: ReadonlyMap<AppId, App>, id: string): App | undefined {
  const app = apps.get(appId(id));
  return app === undefined || isPod(app) ? undefined : app;
}

/** The 404 of a pod, of one of its versions if one is named. */
export const missingPod = (
  id: string,
  version?: string,
): { readonly kind: 'missing'; readonly message: string } => ({
  kind: 'missing',
  message: `Pod '${id}' does not exist${version === undefined ? '' : ` in version ${version}`}`,
});
