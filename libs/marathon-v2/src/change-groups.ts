import { type AppId, appId, appsBelow, type GroupId, groupId, isPod, type RootGroup } from '#core';
import { type ChangeContext, placeApp, restoreDefinition, startDraft } from './change-apps.js';
import { findPod } from './change-pods.js';
import { resolveDependencies } from './complete-app.js';
import { type Declaration, type DeclarationDraft, indexChildren } from './declaration.js';
import type { GroupUpdate } from './group-request.js';
import { isChildOf, isWithin, parentOf, resolveAppId, resolveId } from './path-id.js';
import { accept, type Outcome, refuse } from './refusal.js';
import { MAX_INSTANCES } from './validate-app.js';
import { CANNOT_SCALE_DAEMON, checkDaemonCount } from './workload.js';

/**
 * The group a request is about: the id in the body, relative to the one in the URL. A relative id that repeats the URL's
 * means the same group (in Marathon `PUT /v2/groups/a {"id":"a"}` creates `/a/a`).
 */
export function idOfGroupUpdate(update: GroupUpdate, urlId: GroupId): Outcome<GroupId> {
  if (update.id === undefined) return accept(urlId);
  const fromRoot = resolveId(update.id, '/');
  if (fromRoot.ok && fromRoot.id === urlId) return accept(urlId);
  const parsed = resolveId(update.id, urlId);
  return parsed.ok
    ? accept(groupId(parsed.id))
    : refuse({ kind: 'broken-rule', details: [{ path: '/id', errors: [parsed.error] }] });
}

/** Puts a group tree at `id`; lists replace what is there. With `create`, an existing group or app is refused (409). */
export function declareGroup(
  context: ChangeContext,
  id: GroupId,
  update: GroupUpdate,
  options: { readonly create: boolean },
): Outcome<Declaration> {
  if (options.create) {
    if (context.root.groups.has(id)) {
      return refuse({
        kind: 'exists',
        message: `Group ${id} is already created. Use PUT to change this group.`,
      });
    }
    if (context.root.apps.has(appId(id))) {
      return refuse({ kind: 'exists', message: `An app with the path ${id} already exists.` });
    }
  }
  const draft = startDraft(context);
  putTree({ draft, children: indexChildren(context.root) }, id, update);
  return draft.conclude();
}

/** Removes a group with everything below it; of the root, everything below. */
export function removeGroup({ root }: ChangeContext, id: GroupId): Outcome<Declaration> {
  if (!root.groups.has(id)) return refuse(missingGroup(id));
  return accept({
    putApps: [],
    removeApps: [...appsBelow(root.apps, id)].map(([app]) => app),
    putGroups: [],
    removeGroups: [...root.groups.keys()].filter((group) => group !== '/' && isWithin(group, id)),
  });
}

/** Makes everything at and below `id` as it was in `earlier`. */
export function restoreGroup(
  context: ChangeContext,
  earlier: RootGroup,
  id: GroupId,
): Outcome<Declaration> {
  const draft = startDraft(context);
  for (const group of context.root.groups.keys()) if (isWithin(group, id)) draft.removeGroup(group);
  for (const [app] of appsBelow(context.root.apps, id)) draft.removeApp(app);
  for (const group of earlier.groups.values()) if (isWithin(group.id, id)) draft.putGroup(group);
  for (const [, app] of appsBelow(earlier.apps, id)) restoreDefinition(draft, app);
  return draft.conclude();
}

/** Multiplies the instances of every app at and below `id`, rounded up. */
export function scaleGroup(
  context: ChangeContext,
  id: GroupId,
  factor: number,
): Outcome<Declaration> {
  if (!context.root.groups.has(id)) return refuse(missingGroup(id));
  const draft = startDraft(context);
  for (const [, app] of appsBelow(context.root.apps, id)) {
    if (isPod(app)) continue;
    if (app.workload === 'daemon') {
      draft.problems.warn(`${app.id} stays as it is: ${CANNOT_SCALE_DAEMON}`);
      continue;
    }
    const { version: _version, versionInfo: _versionInfo, ...definition } = app;
    const instances = Math.ceil(app.instances * factor);
    if (instances > MAX_INSTANCES) {
      draft.problems.reportRule(
        '/scaleBy',
        `${instances} instances of ${app.id} are above the maximum ${MAX_INSTANCES}`,
      );
    }
    draft.putApp({ ...definition, instances }, '');
  }
  return draft.conclude();
}

/** Sets `enforceRole` of a top-level group. Apps keep the roles they have until they are declared again. */
export function patchGroup(
  context: ChangeContext,
  id: GroupId,
  patch: { readonly enforceRole: boolean },
): Outcome<Declaration> {
  const group = context.root.groups.get(id);
  if (group === undefined) return refuse(missingGroup(id));
  const draft = startDraft(context);
  if (!isChildOf(id, '/')) {
    draft.problems.reportRule('/enforceRole', `'${id}' is not a top-level group`);
  }
  draft.putGroup({ ...group, ...patch });
  return draft.conclude();
}

/** The 404 of a group, of one of its versions if one is named. */
export const missingGroup = (
  id: string,
  version?: string,
): { readonly kind: 'missing'; readonly message: string } => ({
  kind: 'missing',
  message: `Group '${id}' does not exist${version === undefined ? '' : ` in version ${version}`}`,
});

interface TreeContext {
  readonly draft: DeclarationDraft;
  readonly children: ReturnType<typeof indexChildren>;
}

function putTree(context: TreeContext, id: GroupId, update: GroupUpdate): void {
  const { draft, children } = context;
  const { path } = update;
  const before = draft.root.groups.get(id);
  if (update.enforceRole === true && !isChildOf(id, '/')) {
    draft.problems.reportRule(`${path}/enforceRole`, `'${id}' is not a top-level group`);
  }
  const at = { path, problems: draft.problems };
  draft.putGroup({
    id,
    dependencies:
      update.dependencies === undefined
        ? (before?.dependencies ?? [])
        : resolveDependencies(update.dependencies, id, at),
    enforceRole: update.enforceRole ?? before?.enforceRole ?? false,
  });
  if (update.apps !== undefined) {
    for (const app of children.get(id)?.apps ?? []) {
      if (!isPodId(draft, app)) draft.removeApp(app);
    }
    putApps(draft, id, update);
  }
  if (update.groups !== undefined) putGroups(context, id, update);
}

/** A list of apps says nothing of the pods beside them. */
const isPodId = ({ root }: DeclarationDraft, id: AppId): boolean =>
  findPod(root.apps, id) !== undefined;

function putApps(draft: DeclarationDraft, parent: GroupId, update: GroupUpdate): void {
  for (const app of update.apps ?? []) {
    const parsed = resolveAppId(app.id ?? '', parent);
    const error = parsed.ok ? objectToChild(parsed.id, parent) : parsed.error;
    if (error !== undefined || !parsed.ok) {
      draft.problems.reportRule(`${app.path}/id`, error ?? 'is not a valid path');
    } else if (isPodId(draft, appId(parsed.id))) {
      draft.problems.reportRule(`${app.path}/id`, `'${parsed.id}' is a pod`);
    } else if (draft.hasPut(appId(parsed.id))) {
      draft.problems.reportRule(`${app.path}/id`, `app '${parsed.id}' is given twice`);
    } else {
      const at = { path: app.path, problems: draft.problems };
      const before = draft.root.apps.get(appId(parsed.id));
      checkDaemonCount(before, app.fields, at);
      placeApp(draft, appId(parsed.id), app.fields, app.path);
    }
  }
}

function putGroups(context: TreeContext, parent: GroupId, update: GroupUpdate): void {
  const { draft } = context;
  const listed = new Set<string>();
  const resolved: { readonly id: GroupId; readonly child: GroupUpdate }[] = [];
  for (const child of update.groups ?? []) {
    const parsed = resolveId(child.id ?? '', parent);
    const error = parsed.ok ? objectToChild(parsed.id, parent) : parsed.error;
    if (error !== undefined || !parsed.ok) {
      draft.problems.reportRule(`${child.path}/id`, error ?? 'is not a valid path');
    } else if (listed.has(parsed.id)) {
      draft.problems.reportRule(`${child.path}/id`, `group '${parsed.id}' is given twice`);
    } else {
      listed.add(parsed.id);
      resolved.push({ id: groupId(parsed.id), child });
    }
  }
  for (const group of context.children.get(parent)?.groups ?? []) {
    if (!listed.has(group)) removeTree(context, group);
  }
  for (const { id, child } of resolved) putTree(context, id, child);
}

function removeTree(context: TreeContext, id: GroupId): void {
  context.draft.removeGroup(id);
  const below = context.children.get(id);
  for (const app of below?.apps ?? []) context.draft.removeApp(app);
  for (const group of below?.groups ?? []) removeTree(context, group);
}

const objectToChild = (id: string, parent: string): string | undefined =>
  isChildOf(id, parent)
    ? undefined
    : `'${id}' must be directly in the group '${parent}', not in '${parentOf(id)}'`;
