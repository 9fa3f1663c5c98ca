import type { AppId } from '#core';

/** What a waiting app saw of one that it waits for: when that changes it has to look again. */
export interface Sight {
  readonly app: AppId;
  /** It waits until the other is gone, and not until it serves. */
  readonly isLeaving: boolean;
  /** How the other stood; undefined: no longer in the way. */
  readonly seen: string | undefined;
}

/** Which apps wait for which, so that a look at one leads to looks at those that wait for it. */
export class DependencyWatches {
  private readonly sights = new Map<AppId, readonly Sight[]>();
  private readonly byBlocker = new Map<AppId, Map<AppId, Sight>>();

  /** Replaces what is known of a waiting app. */
  watch(dependent: AppId, sights: readonly Sight[]): void {
    this.forget(dependent);
    if (sights.length === 0) return;
    this.sights.set(dependent, sights);
    for (const sight of sights) {
      const watching = this.byBlocker.get(sight.app) ?? new Map<AppId, Sight>();
      this.byBlocker.set(sight.app, watching.set(dependent, sight));
    }
  }

  forget(dependent: AppId): void {
    for (const { app } of this.sights.get(dependent) ?? []) {
      const watching = this.byBlocker.get(app);
      watching?.delete(dependent);
      if (watching?.size === 0) this.byBlocker.delete(app);
    }
    this.sights.delete(dependent);
  }

  waiting(): readonly AppId[] {
    return [...this.sights.keys()];
  }

  /** The apps that wait for one of these and saw it otherwise than it is now. */
  outdated(apps: Iterable<AppId>, look: (sight: Sight) => string | undefined): readonly AppId[] {
    const outdated: AppId[] = [];
    for (const app of apps) {
      for (const [dependent, sight] of this.byBlocker.get(app) ?? []) {
        if (look(sight) !== sight.seen) outdated.push(dependent);
      }
    }
    return outdated;
  }
}
