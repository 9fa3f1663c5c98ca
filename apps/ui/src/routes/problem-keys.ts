import type { RouteProblem } from '../api/route-types.js';

/**
 * What tells entries of a list of problems from one another while it changes: what each is about, the port of the app too.
 * Those that say the very same are counted.
 */
export function problemKeys(problems: readonly RouteProblem[]): readonly string[] {
  const seen = new Map<string, number>();
  return problems.map(({ kind, router, appId, portIndex, message }) => {
    const about = JSON.stringify([kind, router, appId, portIndex, message]);
    const count = seen.get(about) ?? 0;
    seen.set(about, count + 1);
    return `${about} ${count}`;
  });
}
