import { type AppEmbeds, NO_EMBEDS, readAppEmbeds } from '../apps/app-embeds.js';

/** What to show of a group besides its own fields. */
export interface GroupEmbeds {
  readonly groups: boolean;
  readonly apps: boolean;
  readonly pods: boolean;
  /** What to show of its apps. */
  readonly ofApps: AppEmbeds;
}

/** `group.groups`, `group.apps` and `group.pods` when none of them is named; `group.apps.<embed>` is about the apps. */
export function readGroupEmbeds(names: readonly string[]): GroupEmbeds {
  const wanted = new Set(names.filter((name) => /^group\.(?:groups|apps|pods)$/.test(name)));
  const isDefault = wanted.size === 0;
  return {
    groups: isDefault || wanted.has('group.groups'),
    apps: isDefault || wanted.has('group.apps'),
    pods: isDefault || wanted.has('group.pods'),
    ofApps: readAppEmbeds(
      names.filter((name) => !wanted.has(name)),
      NO_EMBEDS,
    ),
  };
}
