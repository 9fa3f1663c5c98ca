import { type AppId, appId } from '#core';

/** What a path below /v2/apps (or /v2/groups) is about. Ids contain slashes, so the end of the path decides. */
export type AppPath =
  | { readonly kind: 'app'; readonly id: string }
  | { readonly kind: 'all-below'; readonly id: string }
  | { readonly kind: 'tasks-below'; readonly id: string }
  | { readonly kind: 'tasks'; readonly id: string }
  | { readonly kind: 'task'; readonly id: string; readonly taskId: string }
  | { readonly kind: 'versions'; readonly id: string }
  | { readonly kind: 'version'; readonly id: string; readonly version: string }
  | { readonly kind: 'restart'; readonly id: string };

/** `<safe path>.instance-<uuid>...`, or the older `<safe path>.<uuid>`. */
const TASK_ID = /\.(?:instance-|marathon-)?[0-9a-f]{8}-[0-9a-f]{4}-/;
const VERSION = /^\d{4}-\d\d-\d\dT/i;

/**
 * Takes the part after /v2/apps apart. An app's last segment is never `tasks`, `versions` or `restart` (an id may not end
 * so), but a group's name in the middle may be: `/v2/apps/tasks/web` is the app `/tasks/web`. Only what looks like a task id
 * or a version makes the segment before it the collection.
 */
export function parseAppPath(rest: string): AppPath {
  const segments = rest.split('/').filter((segment) => segment !== '');
  const last = segments.at(-1) ?? '';
  const before = segments.at(-2);
  const idOf = (length: number): string => `/${segments.slice(0, length).join('/')}`;
  const count = segments.length;
  if (last === '*') return { kind: 'all-below', id: idOf(count - 1) };
  if (last === 'tasks' && count > 1) {
    return before === '*'
      ? { kind: 'tasks-below', id: idOf(count - 2) }
      : { kind: 'tasks', id: idOf(count - 1) };
  }
  if (last === 'versions' && count > 1) return { kind: 'versions', id: idOf(count - 1) };
  if (last === 'restart' && count > 1) return { kind: 'restart', id: idOf(count - 1) };
  if (before === 'tasks' && count > 2 && TASK_ID.test(last)) {
    return { kind: 'task', id: idOf(count - 2), taskId: last };
  }
  if (before === 'versions' && count > 2 && VERSION.test(last)) {
    return { kind: 'version', id: idOf(count - 2), version: last };
  }
  return { kind: 'app', id: idOf(count) };
}

const WHY = '/why';

/**
 * The app whose waiting is asked about by `{id}/why`. Apps may be named `why`, so an app that exists is meant as itself;
 * what is above it is a group then and cannot be asked about.
 */
export function appAskedWhy(
  id: string,
  apps: { readonly has: (id: AppId) => boolean },
): string | undefined {
  if (!id.endsWith(WHY) || id === WHY || apps.has(appId(id))) return undefined;
  return id.slice(0, -WHY.length);
}
