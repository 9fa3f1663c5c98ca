import type { Route } from './route-table.js';

const known = new WeakMap<Route, string>();

/** Everything a route says but for its endpoints and whose they are: two routes with the same are written alike. */
export function routeFingerprint(route: Route): string {
  const before = known.get(route);
  if (before !== undefined) return before;
  const { endpoints: _, members: __, templates, ...rest } = route;
  const print = JSON.stringify({ ...rest, templates: [...templates] });
  known.set(route, print);
  return print;
}
