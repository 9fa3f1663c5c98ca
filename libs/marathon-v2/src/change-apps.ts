import {
  type App,
  type AppId,
  appId,
  groupId,
  isPod,
  isResident,
  type RootGroup,
  stampVersion,
} from '#core';
import type { AppUpdate } from './app-request.js';
import { completeApp, type Definition, mergeFields, type Surroundings } from './complete-app.js';
import { type ChangeRules, type Declaration, DeclarationDraft } from './declaration.js';
import { resolveAppId, topLevelGroupOf } from './path-id.js';
import { accept, type Outcome, ProblemLog, refuse } from './refusal.js';
import { checkRolloutCounts } from './rollout-fields.js';
import { validateApp, validateResidentUpdate } from './validate-app.js';
import { warnOfExecutor } from './validate-executor.js';
import { CANNOT_SCALE_DAEMON, checkDaemonCount } from './workload.js';
import type { AppFields } from './written-app.js';

/** Where a change starts from. */
export interface ChangeContext {
  readonly root: RootGroup;
  /** The version the changed apps get. */
  readonly version: string;
  readonly rules: ChangeRules;
}

export interface DeclareOptions {
  /**
   * `create`: refuses an app that exists (409). `update`: refuses one that does not (404). `upsert`: takes both.
   */
  readonly mode: 'create' | 'upsert' | 'update';
  /** Fields left out keep their value instead of going back to their default. */
  readonly partial: boolean;
}

/** The id an update is about, relative to the root; a wrong one is a refusal. */
export function idOfUpdate(update: AppUpdate): Outcome<AppId> {
  const parsed = resolveAppId(update.id ?? '', '/');
  return parsed.ok
    ? accept(appId(parsed.id))
    : refuse({
        kind: 'broken-rule',
        details: [{ path: `${update.path}/id`, errors: [parsed.error] }],
      });
}

/** Declares one or several apps in one change. */
export function declareApps(
  context: ChangeContext,
  updates: readonly AppUpdate[],
  options: DeclareOptions,
): Outcome<Declaration> {
  const draft = startDraft(context);
  for (const update of updates) {
    const parsed = idOfUpdate(update);
    if (!parsed.ok) return parsed;
    const id = parsed.value;
    const before = context.root.apps.get(id);
    if (before === undefined && options.mode === 'update') return refuse(missingApp(id));
    if (before !== undefined && isPod(before)) {
      return refuse(occupiedByPod(id));
    }
    if (options.mode === 'create') {
      if (before !== undefined) {
        return refuse({ kind: 'exists', message: `An app with id [${id}] already exists.` });
      }
      if (context.root.groups.has(groupId(id))) {
        return refuse({ kind: 'exists', message: `A group with id [${id}] already exists.` });
      }
    }
    if (draft.hasPut(id)) {
      draft.problems.reportRule(`${update.path}/id`, `app '${id}' is given twice`);
      continue;
    }
    const base = options.partial ? fieldsOf(before) : {};
    checkDaemonCount(before, update.fields, { path: update.path, problems: draft.problems });
    placeApp(draft, id, mergeFields(base, update.fields), update.path);
  }
  return draft.conclude();
}

/** Completes and checks a definition for its place and puts it into the draft. */
export function placeApp(
  draft: DeclarationDraft,
  id: AppId,
  fields: AppFields,
  path: string,
): void {
  const before = draft.root.apps.get(id);
  const at = { path, problems: draft.problems };
  draft.problems.name(path, id);
  const { surroundings, allowedRolesFor } = surroundingsOf(draft, id);
  const definition = completeApp(id, fields, surroundings, at);
  const allowedRoles = allowedRolesFor(definition);
  validateApp(definition, { features: draft.rules.features, allowedRoles }, at);
  if (before !== undefined) validateResidentUpdate(before, definition, at);
  checkRolloutCounts(definition, before, at);
  warnOfExecutor(definition, at);
  draft.putApp(definition, path);
}

/** What defaults and rules take from the place of an app or a pod. */
export function surroundingsOf(
  draft: DeclarationDraft,
  id: AppId,
): {
  readonly surroundings: Surroundings;
  readonly allowedRolesFor: (definition: Definition) => readonly string[];
} {
  const { defaultRole, defaultNetworkName } = draft.rules;
  const residentRole = residentRoleOf(draft.rules);
  const groupRole = topLevelGroupOf(id);
  const isEnforced =
    groupRole !== undefined && draft.groupAt(groupId(`/${groupRole}`))?.enforceRole === true;
  const roles = [defaultRole, groupRole, draft.root.apps.get(id)?.role];
  return {
    surroundings: {
      role: isEnforced ? groupRole : defaultRole,
      residentRole: isEnforced ? groupRole : residentRole,
      ...(defaultNetworkName === undefined ? {} : { defaultNetworkName }),
    },
    allowedRolesFor: (definition) =>
      isEnforced ? [groupRole] : rolesFor(definition, roles, residentRole),
  };
}

/** Nothing can be reserved for the role `*`. */
const residentRoleOf = ({ defaultRole, residentRole = 'pacer' }: ChangeRules): string =>
  defaultRole === '*' ? residentRole : defaultRole;

function rolesFor(
  definition: Definition,
  roles: readonly (string | undefined)[],
  residentRole: string,
): readonly string[] {
  const known = roles.filter((role) => role !== undefined);
  if (!isResident(definition)) return [...new Set(known)];
  return [...new Set([residentRole, ...known])].filter((role) => role !== '*');
}

/** Goes back to an earlier definition of an app, its service ports included. */
export function restoreApp(context: ChangeContext, earlier: App): Outcome<Declaration> {
  const before = context.root.apps.get(earlier.id);
  if (before !== undefined && isPod(before)) return refuse(occupiedByPod(earlier.id));
  const draft = startDraft(context);
  restoreDefinition(draft, earlier);
  return draft.conclude();
}

/**
 * Puts an earlier definition as it was. It may be of an app that was deleted since; what is reserved by now stays what it
 * is, and is taken away no more than by a new definition.
 */
export function restoreDefinition(draft: DeclarationDraft, earlier: App): void {
  const { version: _version, versionInfo: _versionInfo, ...definition } = earlier;
  const before = draft.root.apps.get(earlier.id);
  if (before !== undefined) {
    validateResidentUpdate(before, definition, { path: '', problems: draft.problems });
  }
  draft.putApp(definition, '');
}

/** Sets instance counts, for killing with scale. Unknown apps are left out. */
export function scaleApps(
  context: ChangeContext,
  counts: ReadonlyMap<AppId, number>,
): Outcome<Declaration> {
  const draft = startDraft(context);
  for (const [id, instances] of counts) {
    const before = context.root.apps.get(id);
    if (before === undefined) continue;
    if (before.workload === 'daemon')
      draft.problems.reportRule('/instances', `${id}: ${CANNOT_SCALE_DAEMON}`);
    const { version: _version, versionInfo: _versionInfo, ...definition } = before;
    draft.putApp({ ...definition, instances }, '');
  }
  return draft.conclude();
}

/** A new version of an unchanged app: `lastConfigChangeAt` moves, so that every instance is old. */
export function restartApp({ root, version }: ChangeContext, id: AppId): Outcome<Declaration> {
  const before = root.apps.get(id);
  if (before === undefined) return refuse(missingApp(id));
  const restarted = stampVersion(before, before, { version, change: 'none', isRestart: true });
  return accept({ putApps: [restarted], removeApps: [], putGroups: [], removeGroups: [] });
}

/** Removes an app; its groups stay. */
export function removeApp({ root }: ChangeContext, id: AppId): Outcome<Declaration> {
  return root.apps.has(id)
    ? accept({ putApps: [], removeApps: [id], putGroups: [], removeGroups: [] })
    : refuse(missingApp(id));
}

/** The 404 of an app, of one of its versions if one is named. */
export const missingApp = (
  id: string,
  version?: string,
): { readonly kind: 'missing'; readonly message: string } => ({
  kind: 'missing',
  message: `App '${id}' does not exist${version === undefined ? '' : ` in version ${version}`}`,
});

const occupiedByPod = (id: AppId) =>
  ({ kind: 'exists', message: `A pod with id [${id}] already exists.` }) as const;

export const startDraft = ({ root, version, rules }: ChangeContext): DeclarationDraft =>
  new DeclarationDraft(root, version, rules, new ProblemLog());

function fieldsOf(app: App | undefined): AppFields {
  if (app === undefined) return {};
  const { id: _id, version: _version, versionInfo: _versionInfo, ...fields } = app;
  return fields;
}
