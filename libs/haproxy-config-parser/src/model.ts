/** What is wrong with a line. `error` means HAProxy refuses the file; `warning` means it reads something else than what is seen. */
export type DiagnosticSeverity = 'error' | 'warning';

/** Stable names of everything that is reported: first by the lexer, then by conditionals, then by `checkDocument`. */
export type DiagnosticCode =
  | 'unmatched-quote'
  | 'invalid-hex-escape'
  | 'invalid-variable-name'
  | 'unmatched-brace'
  | 'invalid-word-expansion'
  | 'too-many-words'
  | 'stray-nul'
  | 'missing-final-newline'
  | 'invalid-scope'
  | 'encoded-nul'
  | 'empty-first-word'
  | 'ignored-text'
  | 'condition-without-if'
  | 'branch-after-else'
  | 'unclosed-condition'
  | 'too-deep-condition'
  | 'invalid-condition'
  | 'unexpected-argument'
  | 'unknown-directive'
  | 'alert-directive'
  | 'modifier-not-allowed'
  | 'statement-outside-section'
  | 'unknown-section'
  | 'missing-name'
  | 'invalid-name'
  | 'duplicate-name'
  | 'unknown-defaults'
  | 'ambiguous-defaults'
  | 'mixed-defaults'
  | 'invalid-environment-statement';

/** One finding on one line. `column` counts UTF-16 units from 1, as editors do; HAProxy itself counts bytes. */
export interface LineDiagnostic {
  readonly severity: DiagnosticSeverity;
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly column: number;
}

/** A finding together with its line, counted from 1. */
export interface ConfigDiagnostic extends LineDiagnostic {
  readonly line: number;
}

/**
 * One word as written and as HAProxy reads it. `raw` is the exact source, quotes and escapes included. `value` is decoded.
 * `expansion` exists only when `"${NAME[*]}"` made several words (or a word list) of it; `value` is then their join by a space.
 */
export interface ConfigWord {
  readonly raw: string;
  readonly value: string;
  readonly expansion?: readonly string[];
  /** Names of the variables referenced inside double quotes, if any; pseudo variables with their dot. */
  readonly variables?: readonly string[];
}

/**
 * `statement` has at least one word, `blank` has none (it may have a comment), and `scope` is the legacy `[name]` line,
 * whose whole text is its only word.
 */
export type LineKind = 'statement' | 'blank' | 'scope';

/**
 * One physical line, cut without loss: `indent`, then each word followed by the separator of the same index, then `comment`
 * (with its `#`), `ignored` (what follows a NUL or a lone CR, which HAProxy does not read) and `eol` (`\n`, `\r\n`, or empty at the end of file).
 */
export interface ConfigLine {
  readonly kind: LineKind;
  readonly indent: string;
  readonly words: readonly ConfigWord[];
  readonly separators: readonly string[];
  readonly comment: string;
  readonly ignored: string;
  readonly eol: string;
  readonly diagnostics: readonly LineDiagnostic[];
}

/** Variables by name; an absent or undefined entry is an unset variable, which differs from an empty one. */
export type ConfigEnvironment = Readonly<Record<string, string | undefined>>;

/** What decoded values depend on besides the text. Nothing is read from the process: all variables are unset unless given. */
export interface ParseOptions {
  readonly environment?: ConfigEnvironment;
  /** Value of the pseudo variable `.FILE`; empty by default. */
  readonly fileName?: string;
  /** HAProxy's version, such as `3.2.1`; what any version refuses is an error by default. */
  readonly version?: string;
}

/**
 * A file as a flat list of lines; line number n is `lines[n - 1]`. Conditionals may span sections, so nothing is nested here.
 * `options` are those it was parsed with; edited lines are read again with them.
 */
export interface ConfigDocument {
  readonly lines: readonly ConfigLine[];
  readonly options: ParseOptions;
}
