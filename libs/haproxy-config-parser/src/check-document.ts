import type { ConditionFacts } from './condition-facts.js';
import { maxEnvironmentWords } from './environment-statements.js';
import { evaluateConditions, type LineState } from './evaluate-conditions.js';
import { isCertainlySince, isSince } from './haproxy-version.js';
import { firstValue, valuesOf } from './lex-line.js';
import type { ConfigDiagnostic, ConfigDocument, ConfigLine, DiagnosticCode } from './model.js';
import { listDiagnostics } from './parse.js';
import { readHeader, type SectionHeader } from './section-header.js';
import { isProxyKind, SECTION_NAME, SECTION_RULES } from './section-keywords.js';
import { SectionNames } from './section-names.js';

/**
 * Lists what HAProxy refuses in the grammar of a whole file, by line and column: what its lexer refuses, wrong conditionals and directives,
 * statements outside of sections, `no` and `default` before keywords that do not take them, and section headers: names that are missing,
 * wrong or taken, and defaults that are unknown or ambiguous. Lines that are not active under the given facts are only lexed, as in HAProxy; where a
 * fact is missing, an error that depends on it is a warning. Keywords and their arguments are left to `haproxy -c`. O(text).
 */
export function checkDocument(
  document: ConfigDocument,
  facts: ConditionFacts = {},
): readonly ConfigDiagnostic[] {
  const evaluated = evaluateConditions(document, facts);
  const check: Check = {
    facts,
    findings: [...listDiagnostics(evaluated.document), ...evaluated.diagnostics],
    names: new SectionNames(facts.version),
    sectionKind: undefined,
  };
  for (const [index, line] of evaluated.document.lines.entries()) {
    const state = evaluated.states[index] ?? 'active';
    if (state !== 'inactive' && line.kind === 'statement') checkLine(check, { line, index, state });
  }
  return check.findings.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

interface Check {
  readonly facts: ConditionFacts;
  readonly findings: ConfigDiagnostic[];
  readonly names: SectionNames;
  /** The section the next line is in; undefined before the first. */
  sectionKind: string | undefined;
}

interface CheckedLine {
  readonly line: ConfigLine;
  readonly index: number;
  readonly state: LineState;
}

/** In place of a section's kind: the header before was none to HAProxy, though it did not refuse it. */
const SKIPPED = 'skipped';

const MESSAGE_DIRECTIVES: ReadonlySet<string> = new Set(['.diag', '.notice', '.warning', '.alert']);
const CONDITION_DIRECTIVES: ReadonlySet<string> = new Set(['.if', '.elif', '.else', '.endif']);

/** Keywords that take `no`; `default` before one of them is for the keyword to judge. */
const MODIFIABLE: ReadonlySet<string> = new Set([
  'option',
  'log',
  'busy-polling',
  'set-dumpable',
  'strict-limits',
  'insecure-fork-wanted',
  'numa-cpu-mapping',
]);

function checkLine(check: Check, at: CheckedLine): void {
  const first = at.line.words[0];
  if (first === undefined) return;
  const keyword = firstValue(first);
  if (keyword === '' || CONDITION_DIRECTIVES.has(keyword)) return;
  if (keyword.startsWith('.')) checkDirective(check, at, keyword);
  else if (keyword === 'no' || keyword === 'default') checkModifier(check, at);
  else if (SECTION_RULES.has(keyword)) checkHeader(check, at);
  else if (isOutside(check)) outsideOfSection(check, at, keyword);
  else if (check.sectionKind === 'global') checkEnvironment(check, at);
}

function checkDirective(check: Check, at: CheckedLine, directive: string): void {
  if (!MESSAGE_DIRECTIVES.has(directive)) {
    report(check, at, { code: 'unknown-directive', message: `${directive} is not a directive` });
    return;
  }
  const values = valuesOf(at.line.words);
  const surplus = values[2] ?? '';
  if (surplus !== '') {
    const message = `${directive} takes one message, in quotes when it has spaces; got ${quoted(surplus)} too`;
    report(check, at, { code: 'unexpected-argument', message, word: 2 });
  } else if (directive === '.alert') {
    const message = `.alert stops the start: ${quoted(values[1] ?? '')}`;
    report(check, at, { code: 'alert-directive', message });
  }
}

function checkModifier(check: Check, at: CheckedLine): void {
  const [modifier = '', keyword = ''] = valuesOf(at.line.words);
  if (MODIFIABLE.has(keyword)) {
    if (isOutside(check)) outsideOfSection(check, at, keyword);
    return;
  }
  const message = `"${modifier}" is only for ${[...MODIFIABLE].join(', ')}, not for ${quoted(keyword)}`;
  report(check, at, { code: 'modifier-not-allowed', message });
}

function isOutside(check: Check): boolean {
  return check.sectionKind === undefined || check.sectionKind === SKIPPED;
}

function outsideOfSection(check: Check, at: CheckedLine, keyword: string): void {
  const where =
    check.sectionKind === SKIPPED ? 'behind a header HAProxy skips' : 'before the first section';
  const message = `${quoted(keyword)} stands ${where}`;
  report(check, at, { code: 'statement-outside-section', message });
}

function checkHeader(check: Check, at: CheckedLine): void {
  const header = readHeader(at.line);
  const { kind, words } = header;
  const rule = SECTION_RULES.get(kind);
  if (rule === undefined) return;
  const { version } = check.facts;
  const isKnown =
    isSince(version, rule.since ?? '2.4') &&
    (rule.until === undefined || version === undefined || !isSince(version, rule.until));
  if (!isKnown) {
    const message = `HAProxy ${version} has no section ${kind}`;
    report(check, at, { code: 'unknown-section', message });
    return;
  }
  // What follows a header that may not be read is in a section in any case, or no line of it is read.
  check.sectionKind = kind;
  if (rule.name === 'required' && words.length === 0) {
    report(check, at, { code: 'missing-name', message: `${kind} must have a name` });
    return;
  }
  if (rule.isNameChecked) checkName(check, at, header);
  if (header.from === undefined && isProxyKind(kind) && words.length > 1) {
    if (checkDanglingWords(check, at, header)) return;
  }
  checkSurplus(check, at, { header, maxWords: rule.maxWords });
  for (const finding of check.names.add(header, {
    line: at.index + 1,
    isCertain: at.state === 'active',
  })) {
    report(check, at, finding);
  }
}

/**
 * A proxy with words behind its name that are no `from x` is refused since 3.2; before, HAProxy skips it without an error, and refuses its lines.
 * Returns whether the header opens nothing.
 */
function checkDanglingWords(check: Check, at: CheckedLine, header: SectionHeader): boolean {
  const { kind, words } = header;
  if (kind === 'defaults') {
    if (words[1] !== 'from' || words.length > 2) return false;
    const message = 'the name of defaults is missing behind "from"';
    report(check, at, { code: 'missing-name', message, word: 2 });
    return true;
  }
  if (isCertainlySince(check.facts.version, '3.2')) {
    const message = `${kind} takes a name and "from" with a name, got ${quoted(words[1] ?? '')}`;
    report(check, at, { code: 'unexpected-argument', message, word: 2 });
    return true;
  }
  const message = `HAProxy skips this ${kind}, as ${quoted(words[1] ?? '')} behind its name is no "from" with a name`;
  report(check, at, { code: 'unexpected-argument', message, severity: 'warning', word: 2 });
  check.sectionKind = SKIPPED;
  return true;
}

function checkName(check: Check, at: CheckedLine, { kind, name }: SectionHeader): void {
  if (name === undefined || SECTION_NAME.test(name)) return;
  const message = `name ${quoted(name)} of ${kind} may hold only letters, digits, and - _ . :`;
  report(check, at, { code: 'invalid-name', message, word: 1 });
}

function checkSurplus(
  check: Check,
  at: CheckedLine,
  { header, maxWords }: { readonly header: SectionHeader; readonly maxWords: number | undefined },
): void {
  // Behind "from x" nothing may follow; without it, HAProxy does not look at what follows a proxy's name.
  const limit = header.from === undefined ? maxWords : header.words.lastIndexOf(header.from) + 1;
  const surplus = limit === undefined ? undefined : header.words[limit];
  if (surplus === undefined || limit === undefined) return;
  const message = `${header.kind} takes nothing more, got ${quoted(surplus)}`;
  report(check, at, { code: 'unexpected-argument', message, word: limit + 1 });
}

/** `setenv` and its kin are read at once, as conditions depend on them. */
function checkEnvironment(check: Check, at: CheckedLine): void {
  const all = valuesOf(at.line.words);
  const end = all.indexOf('');
  const [keyword = '', ...values] = end === -1 ? all : all.slice(0, end);
  const max = maxEnvironmentWords(check.facts.version);
  let message: string | undefined;
  if (keyword === 'setenv' || keyword === 'presetenv') {
    if (values.length < 2) message = `${keyword} takes the name of a variable and a value`;
    else if (values.length > max)
      message = `${keyword} takes a name and a value, got ${quoted(values[max] ?? '')} too`;
    else if (values[0]?.includes('=')) message = `${keyword}: a name cannot hold =`;
  } else if (keyword === 'unsetenv') {
    if (values.length === 0) message = 'unsetenv takes names of variables';
    else if (values.some((name) => name.includes('='))) message = 'unsetenv: a name cannot hold =';
  }
  if (message !== undefined) report(check, at, { code: 'invalid-environment-statement', message });
}

interface Finding {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly severity?: 'error' | 'warning';
  /** Index of the word the column is of; the first by default. */
  readonly word?: number;
}

function report(check: Check, at: CheckedLine, finding: Finding): void {
  const { code, message, severity = 'error', word = 0 } = finding;
  const { indent, words, separators } = at.line;
  let column = indent.length + 1;
  const last = Math.min(word, words.length - 1);
  for (let index = 0; index < last; index++) {
    column += (words[index]?.raw.length ?? 0) + (separators[index]?.length ?? 0);
  }
  check.findings.push({
    severity: at.state === 'active' ? severity : 'warning',
    code,
    message,
    line: at.index + 1,
    column,
  });
}

const MAX_SHOWN = 80;

function quoted(text: string): string {
  return JSON.stringify(text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`);
}
