/**
 * The longest id accepted. Ids become part of directory and container names (`<safe path>.instance-<uuid>._app.<n>`),
 * which file systems limit to 255 bytes.
 */
export const MAX_ID_LENGTH = 200;

const RESERVED_LAST_SEGMENTS: ReadonlySet<string> = new Set(['restart', 'tasks', 'versions']);
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

export type ParsedId =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly error: string };

/**
 * Makes a path absolute: relative to `base`, `.` and `..` resolved, repeated slashes collapsed. The root is `/`.
 * Refuses characters outside the id grammar, steps above the root and more than {@link MAX_ID_LENGTH} characters.
 */
export function resolveId(text: string, base: string): ParsedId {
  if (text === '') return { ok: false, error: 'must not be empty' };
  if (text.length > 4 * MAX_ID_LENGTH) return { ok: false, error: tooLong(text.length) };
  const segments = text.startsWith('/') ? [] : segmentsOf(base);
  for (const segment of segmentsOf(text)) {
    if (segment === '.') continue;
    if (segment === '..') {
      if (segments.pop() === undefined) {
        return { ok: false, error: `'${text}' steps above the root group` };
      }
    } else if (isSegment(segment)) segments.push(segment);
    else {
      return {
        ok: false,
        error: `'${text}' is not a valid path: segment '${segment}' must hold lowercase letters, digits, hyphens and dots only, and each dot-separated part must begin and end with a letter or digit`,
      };
    }
  }
  const id = `/${segments.join('/')}`;
  return id.length > MAX_ID_LENGTH ? { ok: false, error: tooLong(id.length) } : { ok: true, id };
}

/** As {@link resolveId} for an app: not the root and no name that the API uses below an app. */
export function resolveAppId(text: string, base: string): ParsedId {
  const parsed = resolveId(text, base);
  if (!parsed.ok) return parsed;
  if (parsed.id === '/') return { ok: false, error: 'must not be the root path' };
  const last = lastSegmentOf(parsed.id);
  return RESERVED_LAST_SEGMENTS.has(last)
    ? { ok: false, error: `must not end in '${last}', which the API uses below an app` }
    : parsed;
}

/** The group that holds this app or group; of the root, the root. */
export function parentOf(id: string): string {
  const end = id.lastIndexOf('/');
  return end <= 0 ? '/' : id.slice(0, end);
}

/** All groups above, nearest first, the root last. Of the root: none. */
export function ancestorsOf(id: string): readonly string[] {
  const ancestors: string[] = [];
  for (let at = id; at !== '/'; ) {
    at = parentOf(at);
    ancestors.push(at);
  }
  return ancestors;
}

/** Whether `id` is `group` or lies anywhere below it. */
export const isWithin = (id: string, group: string): boolean =>
  group === '/' || id === group || id.startsWith(`${group}/`);

/** Whether `id` lies directly in `group`. */
export const isChildOf = (id: string, group: string): boolean =>
  id !== '/' && parentOf(id) === group;

/** The first segment when there is a group above the app: the name that roles are tied to. */
export function topLevelGroupOf(id: string): string | undefined {
  const segments = segmentsOf(id);
  return segments.length > 1 ? segments[0] : undefined;
}

/** `/shop/web` as `shop_web`, the form in instance and task ids. */
export const safePathOf = (id: string): string => segmentsOf(id).join('_');

const segmentsOf = (path: string): string[] => path.split('/').filter((part) => part !== '');

const lastSegmentOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

const isSegment = (segment: string): boolean =>
  segment.split('.').every((label) => DNS_LABEL.test(label));

const tooLong = (length: number): string =>
  `is ${length} characters long, the limit is ${MAX_ID_LENGTH}`;
