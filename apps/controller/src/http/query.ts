import { ApiError } from '#platform';

/** Query parameters as Fastify gives them: a text, several, or nothing. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A parameter that is `true` or `false`. Anything else, and both, is a 400 that names it. */
export function readFlag(query: Query, name: string, fallback: boolean): boolean {
  const given = query[name];
  if (typeof given === 'object' && new Set(given).size > 1) {
    throw new ApiError(400, `Query parameter ${name} is given with different values`);
  }
  const text = lastOf(given);
  if (text === undefined) return fallback;
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  throw new ApiError(400, `Query parameter ${name} must be true or false, not '${shorten(text)}'`);
}

/** The last value of a parameter. */
export const readText = (query: Query, name: string): string | undefined => lastOf(query[name]);

/** All values of a repeatable parameter, also written as `name[]`. */
export function readTexts(query: Query, name: string): readonly string[] {
  return [query[name], query[`${name}[]`]].flatMap((value) =>
    value === undefined ? [] : typeof value === 'string' ? [value] : [...value],
  );
}

/** A whole number within `min..max`; anything else is a 400 that names it. */
export function readCount(
  query: Query,
  name: string,
  options: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const text = lastOf(query[name]);
  if (text === undefined) return options.fallback;
  const count = Number(text);
  if (/^\d{1,15}$/.test(text) && count >= options.min && count <= options.max) return count;
  throw new ApiError(
    400,
    `Query parameter ${name} must be a whole number from ${options.min} to ${options.max}, not '${shorten(text)}'`,
  );
}

const lastOf = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.at(-1);

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text);
