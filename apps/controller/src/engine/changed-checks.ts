import { type App, isPod, isSameValue, type RootDelta, type RootGroup } from '#core';
import { type MarathonEvent, toWireHealthCheck } from '#marathon-v2';

/** Tells of each health check that apps have from a change on, or no longer. Those of pods are told by nobody. */
export function checkEvents(
  original: Pick<RootGroup, 'apps'>,
  { putApps, removeApps }: Pick<RootDelta, 'putApps' | 'removeApps'>,
): readonly MarathonEvent[] {
  const removed = removeApps.flatMap((id) => removals(original.apps.get(id), undefined));
  const put = putApps.flatMap((app) => {
    const before = original.apps.get(app.id);
    return [...removals(before, app), ...additions(before, app)];
  });
  return [...removed, ...put];
}

const additions = (before: App | undefined, app: App): readonly MarathonEvent[] =>
  missingFrom(before, app).map((check) => ({
    eventType: 'add_health_check_event',
    appId: app.id,
    version: app.version,
    healthCheck: toWireHealthCheck(check),
  }));

const removals = (before: App | undefined, app: App | undefined): readonly MarathonEvent[] =>
  before === undefined
    ? []
    : missingFrom(app, before).map(() => ({
        eventType: 'remove_health_check_event',
        appId: before.id,
      }));

/** Checks that `app` has and `other` has not. */
const missingFrom = (other: App | undefined, app: App): App['healthChecks'] =>
  isPod(app)
    ? []
    : app.healthChecks.filter(
        (check) => !(other?.healthChecks ?? []).some((one) => isSameValue(one, check)),
      );
