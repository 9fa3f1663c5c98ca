import type { RootGroup } from '#core';

/**
 * The roles our framework takes offers for: its own, those of all declared apps and those in which something is reserved. The master hears of them when we
 * subscribe, so an app with a new role needs another subscription. A role nobody uses any more stays until the next one.
 */
export class FrameworkRoles {
  private subscribed: ReadonlySet<string> | undefined;
  private lastRoot: RootGroup | undefined;

  constructor(private readonly ownRole: string) {}

  /** What to tell the master now. */
  take(root: RootGroup, reserved: Iterable<string> = []): readonly string[] {
    const roles = [...root.apps.values()].map(({ role }) => role);
    this.subscribed = new Set([this.ownRole, ...roles, ...reserved]);
    return [...this.subscribed];
  }

  /** Whether an app has a role the master has not been told of. Looks at what is new since it was last asked. */
  lacks(root: RootGroup): boolean {
    const { subscribed, lastRoot } = this;
    if (subscribed === undefined || root === lastRoot) return false;
    const apps = lastRoot === undefined ? root.apps.values() : root.apps.valuesSince(lastRoot.apps);
    this.lastRoot = root;
    for (const { role } of apps) if (!subscribed.has(role)) return true;
    return false;
  }
}
