import { parseCondition } from './condition-expression.js';
import {
  both,
  type ConditionFacts,
  type EnvironmentState,
  either,
  evaluateCondition,
  negate,
  type Truth,
  toEnvironmentState,
} from './condition-facts.js';
import { applyEnvironmentStatement, hasEarlyLocalPeer } from './environment-statements.js';
import { firstValue, lexLine, spanLine, toLexContext, valuesOf } from './lex-line.js';
import { MAX_CONDITION_DEPTH } from './limits.js';
import type {
  ConfigDiagnostic,
  ConfigDocument,
  ConfigEnvironment,
  ConfigLine,
  DiagnosticCode,
} from './model.js';
import { openedSectionName, printLine } from './parse.js';

/** Whether HAProxy reads a line: `unknown` where a fact is missing that its conditions ask for. */
export type LineState = 'active' | 'inactive' | 'unknown';

/** A document read as HAProxy would, with its conditions and its own variables. */
export interface EvaluatedDocument {
  /** The same text; words that hold variables are decoded with the environment as it is on their line. */
  readonly document: ConfigDocument;
  /** One for each line. The state of a directive is that of the block it stands in. */
  readonly states: readonly LineState[];
  /** The variables after the last line. */
  readonly environment: ConfigEnvironment;
  /** What HAProxy refuses in `.if`, `.elif`, `.else` and `.endif`; a warning where that depends on an unknown fact. */
  readonly diagnostics: readonly ConfigDiagnostic[];
}

/**
 * Decides which lines are active. `setenv`, `presetenv`, `unsetenv`, `resetenv` and `localpeer` of active `global` lines take effect from the next
 * line on, as in HAProxy that serves; since 3.2, `localpeer` does from the first line on. What is not known stays `unknown` and is never
 * guessed. O(text).
 */
export function evaluateConditions(
  document: ConfigDocument,
  facts: ConditionFacts = {},
): EvaluatedDocument {
  const walk = startWalk(document, facts);
  const found = readLines(walk, document);
  if (walk.localPeers.length === 0) return found;
  const again = startWalk(document, facts);
  again.isChanged = true;
  for (const { words, isCertain } of walk.localPeers) {
    applyEnvironmentStatement(again.environment, words, { isCertain });
  }
  return readLines(again, document);
}

function readLines(walk: Walk, document: ConfigDocument): EvaluatedDocument {
  const lines: ConfigLine[] = [];
  const states: LineState[] = [];
  for (const [index, given] of document.lines.entries()) {
    const line = readAgain(walk, given, index);
    lines.push(line);
    const directive = readDirective(line);
    if (directive === undefined) {
      states.push(STATE_OF[walk.truth]);
      followStatement(walk, line);
    } else {
      // A branch begins behind its directive, which itself stands in the block around it.
      if (directive !== '.if') states.push(STATE_OF[walk.blocks.at(-1)?.outer ?? walk.truth]);
      else states.push(STATE_OF[walk.truth]);
      followDirective(walk, { directive, line, index });
    }
  }
  for (const block of walk.blocks) {
    const message = 'this .if has no .endif';
    report(walk, block.index, { line: block.opener, code: 'unclosed-condition', message });
  }
  walk.diagnostics.sort((a, b) => a.line - b.line || a.column - b.column);
  return {
    document: { lines, options: document.options },
    states,
    environment: { ...walk.environment.values },
    diagnostics: walk.diagnostics,
  };
}

type Directive = '.if' | '.elif' | '.else' | '.endif';

interface Block {
  readonly index: number;
  readonly opener: ConfigLine;
  readonly outer: Truth;
  /** Whether an earlier branch was taken. */
  taken: Truth;
  hasElse: boolean;
}

/** The state of one evaluation; mutated line by line. */
interface Walk {
  readonly facts: ConditionFacts;
  readonly options: ConfigDocument['options'];
  readonly environment: EnvironmentState;
  readonly diagnostics: ConfigDiagnostic[];
  readonly blocks: Block[];
  /** Lines that have their effect before the first line is read. */
  readonly localPeers: { readonly words: readonly string[]; readonly isCertain: boolean }[];
  /** True once variables or the section differ from what the document was read with. */
  isChanged: boolean;
  truth: Truth;
  sectionKind: string;
  sectionName: string;
}

const STATE_OF: Readonly<Record<Truth, LineState>> = {
  true: 'active',
  false: 'inactive',
  unknown: 'unknown',
};

function startWalk(document: ConfigDocument, facts: ConditionFacts): Walk {
  const start = facts.environment ?? document.options.environment ?? {};
  return {
    facts,
    options: document.options,
    environment: toEnvironmentState(start),
    diagnostics: [],
    blocks: [],
    localPeers: [],
    isChanged: facts.environment !== undefined,
    truth: 'true',
    sectionKind: '',
    sectionName: '',
  };
}

/** Decodes a line with variables anew. `.SECTION` may differ too: an inactive header opens nothing. */
function readAgain(walk: Walk, line: ConfigLine, index: number): ConfigLine {
  const needs = line.words.some(
    ({ variables }) =>
      variables !== undefined && (walk.isChanged || variables.includes('.SECTION')),
  );
  if (!needs) return line;
  const text = printLine(line);
  return lexLine(text, spanLine(text, 0), {
    ...toLexContext(walk.options),
    environment: walk.environment.values,
    lineNumber: index + 1,
    sectionName: walk.sectionName,
  });
}

function readDirective(line: ConfigLine): Directive | undefined {
  const [first] = line.words;
  if (line.kind !== 'statement' || first === undefined) return undefined;
  const value = firstValue(first);
  return value === '.if' || value === '.elif' || value === '.else' || value === '.endif'
    ? value
    : undefined;
}

function followStatement(walk: Walk, line: ConfigLine): void {
  if (walk.truth === 'false') return;
  const sectionName = openedSectionName(line);
  if (sectionName !== undefined) {
    walk.sectionName = sectionName;
    walk.sectionKind = valuesOf(line.words)[0] ?? '';
  } else if (walk.sectionKind === 'global' && line.kind === 'statement') {
    const isCertain = walk.truth === 'true';
    const words = valuesOf(line.words);
    const { version } = walk.facts;
    if (words[0] === 'localpeer' && hasEarlyLocalPeer(version)) {
      walk.localPeers.push({ words, isCertain });
    } else if (applyEnvironmentStatement(walk.environment, words, { isCertain, version })) {
      walk.isChanged = true;
    }
  }
}

interface DirectiveLine {
  readonly directive: Directive;
  readonly line: ConfigLine;
  readonly index: number;
}

function followDirective(walk: Walk, at: DirectiveLine): void {
  if (at.directive === '.if') {
    openBlock(walk, at);
    return;
  }
  const block = walk.blocks.at(-1);
  if (at.directive !== '.elif') refuseArguments(walk, at);
  if (block === undefined) {
    const message = `${at.directive} without an .if before it`;
    report(walk, at.index, { line: at.line, code: 'condition-without-if', message });
    return;
  }
  if (at.directive === '.endif') {
    walk.blocks.pop();
    walk.truth = block.outer;
    return;
  }
  if (block.hasElse) {
    const message = `${at.directive} behind the .else of its .if`;
    report(walk, at.index, { line: at.line, code: 'branch-after-else', message });
  }
  if (at.directive === '.else') {
    walk.truth = both(block.outer, negate(block.taken));
    block.hasElse = true;
    return;
  }
  const isRead = both(block.outer, negate(block.taken));
  const condition = isRead === 'false' ? 'false' : readCondition(walk, at, isRead);
  walk.truth = both(isRead, condition);
  block.taken = either(block.taken, condition);
}

function openBlock(walk: Walk, at: DirectiveLine): void {
  const { index, line } = at;
  const outer = walk.truth;
  if (walk.blocks.length === MAX_CONDITION_DEPTH) {
    const message = `more than ${MAX_CONDITION_DEPTH} .if inside one another`;
    report(walk, index, { line, code: 'too-deep-condition', message });
  }
  const condition = outer === 'false' ? 'false' : readCondition(walk, at, outer);
  walk.blocks.push({ index, opener: line, outer, taken: condition, hasElse: false });
  walk.truth = both(outer, condition);
}

/** HAProxy joins the words and reads them only when the outcome matters; so errors elsewhere are none. */
function readCondition(walk: Walk, at: DirectiveLine, isRead: Truth): Truth {
  const text = valuesOf(at.line.words).slice(1).join(' ');
  const parsed = parseCondition(text, walk.facts.version);
  if (!parsed.ok) {
    const message = `condition ${JSON.stringify(shorten(text))}: ${parsed.message} at offset ${parsed.offset}`;
    const severity = isRead === 'true' ? 'error' : 'warning';
    report(walk, at.index, { line: at.line, code: 'invalid-condition', message, severity });
    return 'unknown';
  }
  // HAProxy joins what follows an encoded NUL into the condition; a word here ends there.
  const isUnsure =
    at.line.diagnostics.some(({ code }) => code === 'encoded-nul') ||
    at.line.words.some(({ variables }) =>
      variables?.some((name) => walk.environment.unknown.has(name)),
    );
  if (isUnsure) return 'unknown';
  return evaluateCondition(parsed.expression, walk.facts, walk.environment);
}

function refuseArguments(walk: Walk, at: DirectiveLine): void {
  const argument = valuesOf(at.line.words)[1] ?? '';
  if (argument === '') return;
  const message = `${at.directive} takes no argument, got ${JSON.stringify(shorten(argument))}`;
  report(walk, at.index, { line: at.line, code: 'unexpected-argument', message });
}

function report(
  walk: Walk,
  index: number,
  finding: {
    readonly line: ConfigLine;
    readonly code: DiagnosticCode;
    readonly message: string;
    readonly severity?: 'error' | 'warning';
  },
): void {
  const { line, code, message, severity = 'error' } = finding;
  walk.diagnostics.push({
    severity,
    code,
    message,
    line: index + 1,
    column: line.indent.length + 1,
  });
}

const MAX_SHOWN = 80;

function shorten(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
