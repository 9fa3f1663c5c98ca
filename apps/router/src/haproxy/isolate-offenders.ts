import { parse, sections } from 'haproxy-config-parser';
import { type EdgeModel, type Route, toEdgeModel } from '#routing';
import { findOffenders } from './find-offenders.js';
import { parseRefusal } from './parse-refusal.js';

/** A route that HAProxy does not take, and what it says of it. */
export interface Offender {
  readonly route: Route;
  readonly reason: string;
}

/** Says what HAProxy has against a model; undefined: nothing. */
export interface OffenderCheck {
  readonly explainRefusal: (model: EdgeModel) => Promise<string | undefined>;
  /** The text that is judged. */
  readonly textOf: (model: EdgeModel) => string;
}

/** The routes to leave out so that HAProxy takes the others. `refusal`: what it said of all of them together. */
export async function isolateOffenders(
  check: OffenderCheck,
  routes: readonly Route[],
  refusal: string,
): Promise<readonly Offender[]> {
  const modelOf = (subset: readonly Route[]): EdgeModel =>
    toEdgeModel({ routes: subset, conflicts: [] });
  const named = findNamed(check.textOf(modelOf(routes)), routes, refusal);
  const suspects = new Map([...findQuoted(routes, refusal), ...named]);
  const { offenders } = await findOffenders(
    routes,
    async (subset) => (await check.explainRefusal(modelOf(subset))) === undefined,
    { suspects: suspects.keys(), isKnownRefused: true },
  );
  const explained: Offender[] = [];
  for (const route of offenders) {
    const alone = suspects.get(route) ?? (await check.explainRefusal(modelOf([route])));
    explained.push({ route, reason: firstLine(alone ?? refusal) });
  }
  return explained;
}

/** The routes that HAProxy named while it did not start with `text`, with what it said of each. */
export const namedOffenders = (
  text: string,
  routes: readonly Route[],
  said: string,
): readonly Offender[] =>
  [...findNamed(text, routes, said)].map(([route, reason]) => ({ route, reason }));

const byBackend = (routes: readonly Route[]): ReadonlyMap<string, Route> =>
  new Map(routes.map((route) => [route.backend, route]));

/** The routes whose sections, or whose rules, are at the lines that the refusal names. */
function findNamed(
  text: string,
  routes: readonly Route[],
  refusal: string,
): ReadonlyMap<Route, string> {
  const byName = byBackend(routes);
  const document = parse(text);
  const all = sections(document);
  const named = new Map<Route, string>();
  for (const { line, message } of parseRefusal(refusal)) {
    const index = line - 1;
    const section = all.find(
      ({ headerIndex, endIndex }) => headerIndex <= index && index < endIndex,
    );
    const words = document.lines[index]?.words.map(({ value }) => value) ?? [];
    const names = [section?.name?.replace(/^user_|:in$/g, ''), ...words];
    const route = names.map((name) => byName.get(name ?? '')).find((one) => one !== undefined);
    if (route !== undefined && !named.has(route)) named.set(route, message);
  }
  return named;
}

/** `unable to find server 'x' in proxy 'y'`: no line is named, a route is. It may be innocent, so it is only a suspect. */
function findQuoted(routes: readonly Route[], refusal: string): ReadonlyMap<Route, string> {
  const byName = byBackend(routes);
  const quoted = new Map<Route, string>();
  for (const line of refusal.split('\n').filter((text) => text.includes('[ALERT]'))) {
    for (const [, name = ''] of line.matchAll(/'([^'/]+)(?:\/[^']*)?'/g)) {
      const route = byName.get(name.replace(/:in$/, ''));
      if (route !== undefined && !quoted.has(route)) quoted.set(route, line.trim());
    }
  }
  return quoted;
}

/** HAProxy ends with a summary that says nothing. */
function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.find((line) => line.includes('[ALERT]')) ?? lines[0] ?? '';
}
