import type { App } from '#core';

/** What a new definition means for the instances of the old one. Rules: Marathon 3.1. */
export type AppChange = 'none' | 'scale' | 'upgrade';

/** Not part of what is compared: the server's own stamps and the instance count. */
const NOT_COMPARED: ReadonlySet<string> = new Set([
  'version',
  'versionInfo',
  'instances',
  'rollout',
]);

/** Whether the definitions differ in anything but count and version. O(size of the definitions). */
export function isUpgrade(oldApp: App, newApp: App): boolean {
  if (oldApp === newApp) return false;
  return !isSameValue(withoutStamps(oldApp), withoutStamps(newApp));
}

/** `upgrade` wins over `scale`: an app whose definition and count differ is replaced at its new count. */
export function compareApps(oldApp: App, newApp: App): AppChange {
  if (oldApp === newApp) return 'none';
  if (isUpgrade(oldApp, newApp)) return 'upgrade';
  const isSame =
    oldApp.instances === newApp.instances && isSameValue(oldApp.rollout, newApp.rollout);
  return isSame ? 'none' : 'scale';
}

/**
 * Writes version and version info: an upgrade (or a new app) moves all three stamps, a scale `version` and
 * `lastScalingAt`, a restart `version` and `lastConfigChangeAt`. Returns `oldApp` itself when nothing changed.
 */
export function stampApp(
  oldApp: App | undefined,
  newApp: App,
  version: string,
  options: { readonly restart: boolean },
): App {
  const change = oldApp === undefined ? 'upgrade' : compareApps(oldApp, newApp);
  const previous = oldApp?.versionInfo ?? { lastScalingAt: version, lastConfigChangeAt: version };
  switch (change) {
    case 'upgrade':
      return {
        ...newApp,
        version,
        versionInfo: { lastScalingAt: version, lastConfigChangeAt: version },
      };
    case 'scale':
      return {
        ...newApp,
        version,
        versionInfo: {
          lastScalingAt: version,
          lastConfigChangeAt: options.restart ? version : previous.lastConfigChangeAt,
        },
      };
    case 'none':
      if (oldApp !== undefined && !options.restart) return oldApp;
      return { ...newApp, version, versionInfo: { ...previous, lastConfigChangeAt: version } };
    default:
      return change satisfies never;
  }
}

/**
 * Whether an instance whose definition carries this `lastConfigChangeAt` runs another configuration than `app`. It names
 * the configuration: scaling keeps it, and a rollback brings an earlier one back.
 */
export const isOutdated = (configVersion: string, app: App): boolean =>
  configVersion !== app.versionInfo.lastConfigChangeAt;

const withoutStamps = (app: App): Record<string, unknown> =>
  Object.fromEntries(Object.entries(app).filter(([field]) => !NOT_COMPARED.has(field)));

/** Structural equality of JSON-like values; a field that is undefined equals an absent one. */
function isSameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object') return false;
  if (left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) return isSameList(left, right);
  const before = left as Readonly<Record<string, unknown>>;
  const after = right as Readonly<Record<string, unknown>>;
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!isSameValue(before[field], after[field])) return false;
  }
  return true;
}

const isSameList = (left: unknown, right: unknown): boolean =>
  Array.isArray(left) &&
  Array.isArray(right) &&
  left.length === right.length &&
  left.every((item, index) => isSameValue(item, right[index]));
