/** What a path below /v2/groups is about. Ids contain slashes, so the end of the path decides. */
export type GroupPath =
  | { readonly kind: 'group'; readonly id: string }
  | { readonly kind: 'apps'; readonly id: string }
  | { readonly kind: 'versions'; readonly id: string }
  | { readonly kind: 'version'; readonly id: string; readonly version: string };

const VERSION = /^\d{4}-\d\d-\d\dT/i;

/** Takes the part after /v2/groups apart; empty for the root group. */
export function parseGroupPath(rest: string): GroupPath {
  const segments = rest.split('/').filter((segment) => segment !== '');
  const last = segments.at(-1) ?? '';
  const idOf = (length: number): string => `/${segments.slice(0, length).join('/')}`;
  if (last === 'apps') return { kind: 'apps', id: idOf(segments.length - 1) };
  if (last === 'versions') return { kind: 'versions', id: idOf(segments.length - 1) };
  if (segments.at(-2) === 'versions' && VERSION.test(last)) {
    return { kind: 'version', id: idOf(segments.length - 2), version: last };
  }
  return { kind: 'group', id: idOf(segments.length) };
}
