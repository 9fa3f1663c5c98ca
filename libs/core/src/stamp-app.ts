import type { App } from './app.js';

/**
 * What a new definition means for the instances of the old one: `upgrade` replaces them, `in-place` does not (it may come
 * with another count), `scale` is another count and nothing else.
 */
export type AppChange = 'none' | 'scale' | 'in-place' | 'upgrade';

/**
 * Writes version and version info: an upgrade (or a new app) moves all three stamps, a scale `version` and
 * `lastScalingAt`, an edit in place `version` alone, a restart `version` and `lastConfigChangeAt`. So two definitions
 * of one app with the same `lastConfigChangeAt` differ in nothing a task is made from. Returns `before` itself when nothing
 * changed.
 */
export function stampVersion(
  definition: Omit<App, 'version' | 'versionInfo'>,
  before: App | undefined,
  about: { readonly version: string; readonly change: AppChange; readonly isRestart: boolean },
): App {
  const { version, change, isRestart } = about;
  if (before === undefined || change === 'upgrade') {
    return {
      ...definition,
      version,
      versionInfo: { lastScalingAt: version, lastConfigChangeAt: version },
    };
  }
  if (change === 'none' && !isRestart) return before;
  const { lastScalingAt, lastConfigChangeAt } = before.versionInfo;
  const isScaled = before.instances !== definition.instances;
  return {
    ...definition,
    version,
    versionInfo: {
      lastScalingAt: isScaled ? version : lastScalingAt,
      lastConfigChangeAt: isRestart ? version : lastConfigChangeAt,
    },
  };
}
