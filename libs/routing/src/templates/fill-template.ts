import { quote } from 'haproxy-config-parser';

/** Values of the placeholders; a missing one is refused where it is used. */
export type TemplateValues = Readonly<Record<string, string | number | undefined>>;

export type FilledTemplate =
  | { readonly ok: true; readonly lines: readonly string[] }
  | { readonly ok: false; readonly reason: string };

const PLACEHOLDER = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]/g;
/** What may stand in a configuration line as it is, in and outside of quotes, and is one part of a word. */
const SAFE = /^[A-Za-z0-9._~:@%/+,*=[\]-]*$/;

/**
 * Fills a template of marathon-lb: `{name}` is a value, `{{` and `}}` are braces (Python's str.format). Values that hold
 * anything special are quoted, so that they stay one word. Gives lines without line ends; blank ones are left out.
 */
export function fillTemplate(text: string, values: TemplateValues): FilledTemplate {
  let problem: string | undefined;
  const filled = text.replace(PLACEHOLDER, (match, name: string | undefined) => {
    if (match === '{{') return '{';
    if (match === '}}') return '}';
    if (name === undefined) problem ??= `a single ${match} (write ${match}${match} for a brace)`;
    else if (!Object.hasOwn(values, name)) problem ??= `{${name}} is not a placeholder here`;
    const value = name === undefined ? undefined : values[name];
    return value === undefined ? '' : toSafeText(value);
  });
  if (problem !== undefined) return { ok: false, reason: problem };
  return { ok: true, lines: filled.split('\n').filter((line) => line.trim() !== '') };
}

/** Values in the form of words, joined by blanks, are made with {@link words}. */
const toSafeText = (value: string | number): string => {
  const text = String(value);
  if (text.startsWith(WORDS_MARK)) return text.slice(WORDS_MARK.length);
  return SAFE.test(text) ? text : quote(text);
};

const WORDS_MARK = '\u0001';

/** A value of several words, each quoted as needed, with a blank before the first: as marathon-lb has its options. */
export const words = (list: readonly string[]): string =>
  WORDS_MARK + list.map((word) => ` ${quote(word)}`).join('');
