/** Longest label, in bytes (RFC 1035). */
export const MAX_LABEL = 63;
/** Longest name, in characters without the dot at the end. */
export const MAX_NAME = 253;

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Lower case; dots and underscores become hyphens, other characters of no host name are left out. May come out empty. */
export function toLabelText(text: string): string {
  const mapped = text
    .toLowerCase()
    .replace(/[._]/g, '-')
    .replace(/[^a-z0-9-]/g, '');
  return mapped.replace(/^-+|-+$/g, '');
}

/** The text as a label cut at `max`, as Mesos-DNS cuts it: two long texts may come out alike. */
export const cutLabel = (text: string, max = MAX_LABEL): string =>
  toLabelText(toLabelText(text).slice(0, max));

/** Labels (and domains) joined; undefined: one is empty or too long, or all of them together are. */
export function joinLabels(labels: readonly string[]): string | undefined {
  const name = labels.join('.');
  if (name.length > MAX_NAME) return undefined;
  const isSound = name.split('.').every(({ length }) => length > 0 && length <= MAX_LABEL);
  return isSound ? name : undefined;
}

/** Whether the text can be a domain of ours: labels of lower case letters, digits and hyphens. */
export const isDomain = (text: string): boolean =>
  text.length <= MAX_NAME &&
  text.split('.').every((label) => label.length <= MAX_LABEL && LABEL.test(label));

/** Whether `name` is the domain or lies below it. */
export const isInDomain = (name: string, domain: string): boolean =>
  name.length === domain.length
    ? name === domain
    : name.endsWith(domain) && name.charCodeAt(name.length - domain.length - 1) === DOT;

const DOT = 46;

/** The name above; undefined: there is none but the root. */
export function parentName(name: string): string | undefined {
  const dot = name.indexOf('.');
  return dot < 0 ? undefined : name.slice(dot + 1);
}
