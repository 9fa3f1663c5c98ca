import type { FieldProblem } from './refusal.js';

/** What a wrong shape means in words, beside the codes that clients know. */
export interface ExplainedProblem extends FieldProblem {
  /** One for each of `errors`: what is needed, what was given, and in what. */
  readonly explained: readonly string[];
}

/** Longest value that is repeated, characters. */
const MAX_SHOWN = 60;

const WORDS: Readonly<Record<string, string>> = {
  'error.path.missing': 'is required',
  'error.expected.jsnumber': 'must be a number',
  'error.expected.jsstring': 'must be a text',
  'error.expected.int': 'must be a whole number of at most 32 bits',
  'error.expected.jsboolean': 'must be true or false',
  'error.expected.jsobject': 'must be an object',
  'error.expected.jsarray': 'must be a list',
  'error.maxLength': 'is too long',
  'error.minLength': 'is too short',
};
const ENUM = 'error.unknown.enum.literal: ';

/**
 * Says what the codes of wrong shapes mean, with the value that was given and the ids or names of the list elements it is
 * in: an index helps nobody who has a thousand apps. O(length of the paths).
 */
export const explainProblems = (
  details: readonly FieldProblem[],
  body: unknown,
): readonly ExplainedProblem[] =>
  details.map((problem) => {
    const { given, names } = followPath(body, problem.path);
    const where = names.length === 0 ? '' : ` (in ${names.join(', ')})`;
    return {
      ...problem,
      explained: problem.errors.map((code) => `${inWords(code, given)}${where}`),
    };
  });

function inWords(code: string, given: unknown): string {
  const words = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  if (words === undefined) return code.startsWith(ENUM) ? code.slice(ENUM.length) : code;
  return given === undefined || given === null ? words : `${words}, not ${shorten(given)}`;
}

/** The value at a path, and what the list elements on the way are called. A path that leads nowhere: no value. */
function followPath(
  body: unknown,
  path: string,
): { readonly given: unknown; readonly names: readonly string[] } {
  const names: string[] = [];
  let at = body;
  for (const [, field, index] of path.matchAll(/\/([^/(]*)|\((\d+)\)/g)) {
    if (field === '') continue;
    at = ownValue(at, field ?? index ?? '');
    const name = index === undefined ? undefined : nameOf(at);
    if (name !== undefined) names.push(name);
  }
  return { given: at, names };
}

function ownValue(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

function nameOf(element: unknown): string | undefined {
  const name = ownValue(element, 'id') ?? ownValue(element, 'name');
  return typeof name === 'string' ? shorten(name) : undefined;
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}
