import type { App } from '../api/api-types.js';
import { healthCounts } from '../apps/app-status.js';
import { plural } from '../format/quantities.js';

export type AppAction = 'restart' | 'suspend' | 'destroy';

/** What will happen, in words and numbers, before it is confirmed. */
export function effectOf(action: AppAction, app: App): string {
  const counts = healthCounts(app);
  const present = (app.tasksRunning ?? 0) + (app.tasksStaged ?? 0);
  const instances = plural(present, 'instance');
  const healthy = counts.healthy > 0 ? ` (${counts.healthy} healthy)` : '';
  switch (action) {
    case 'restart':
      return present === 0
        ? 'Nothing is running. A new version with the same configuration is recorded.'
        : `Replaces ${instances}${healthy} step by step with new ones of the same configuration.`;
    case 'suspend':
      return present === 0
        ? 'Nothing is running. The wanted number of instances becomes 0.'
        : `Kills ${instances}${healthy}. The configuration stays; scale up to resume.`;
    case 'destroy':
      return present === 0
        ? 'Removes the application and its configuration for good.'
        : `Kills ${instances}${healthy} and removes the application and its configuration for good.`;
    default:
      return action satisfies never;
  }
}

/** What scaling to a number does, or nothing if it is the number already wanted. */
export function scaleEffect(current: number, wanted: number): string | undefined {
  if (wanted === current) {
    return undefined;
  }
  return wanted > current
    ? `Starts ${plural(wanted - current, 'instance')}.`
    : `Kills ${plural(current - wanted, 'instance')}.`;
}
