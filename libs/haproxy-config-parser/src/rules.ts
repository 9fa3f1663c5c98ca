import { parseRuleCondition, type RuleCondition } from './acl-conditions.js';
import { parseArguments } from './sample-expression.js';
import type { Statement } from './sections.js';

/** The lists of rules a proxy has. Their order is the order HAProxy applies them in, within each list. */
export type Ruleset =
  | 'http-request'
  | 'http-response'
  | 'http-after-response'
  | 'tcp-request connection'
  | 'tcp-request session'
  | 'tcp-request content'
  | 'tcp-response content'
  | 'quic-initial'
  | 'use_backend'
  | 'use-server'
  | 'redirect'
  | 'force-persist'
  | 'ignore-persist'
  | 'stick'
  | 'monitor fail'
  | 'stats admin'
  | 'stats http-request';

/** One rule: `http-request set-var(txn.a) src if local` has the action `set-var` with the target `txn.a` and one argument. */
export interface Rule {
  readonly lineIndex: number;
  readonly conditionDepth: number;
  readonly ruleset: Ruleset;
  /** What is done; for `use_backend`, `use-server`, `redirect` and persistence rules, the keyword itself. */
  readonly action: string;
  /** The arguments in parentheses right behind the action. */
  readonly target?: readonly string[];
  readonly arguments: readonly string[];
  readonly condition?: RuleCondition;
}

/** Rulesets by their keywords; true when an action follows. */
const RULESETS: ReadonlyMap<string, boolean> = new Map<Ruleset, boolean>([
  ['http-request', true],
  ['http-response', true],
  ['http-after-response', true],
  ['tcp-request connection', true],
  ['tcp-request session', true],
  ['tcp-request content', true],
  ['tcp-response content', true],
  ['quic-initial', true],
  ['use_backend', false],
  ['use-server', false],
  ['redirect', false],
  ['force-persist', false],
  ['ignore-persist', false],
  ['stick', true],
  ['monitor fail', false],
  ['stats admin', false],
  ['stats http-request', true],
]);

/** Words behind an action that are its arguments whatever they are: `set-header if if` sets a header to "if". */
const FIXED_ARGUMENTS: Readonly<Record<string, number>> = {
  ...{ use_backend: 1, 'use-server': 1 },
  ...{ 'set-header': 2, 'add-header': 2, 'early-hint': 2, 'del-header': 1 },
  ...{ 'replace-header': 3, 'replace-value': 3 },
  ...{ 'replace-path': 2, 'replace-pathq': 2, 'replace-uri': 2 },
  ...{ 'set-path': 1, 'set-pathq': 1, 'set-query': 1, 'set-uri': 1, 'set-method': 1 },
  ...{ 'set-map': 2, 'del-map': 1, 'add-acl': 1, 'del-acl': 1 },
  ...{ 'set-var': 1, 'set-var-fmt': 1, 'do-resolve': 1, capture: 1, 'set-status': 1 },
  ...{ 'set-dst': 1, 'set-dst-port': 1, 'set-src': 1, 'set-src-port': 1 },
  ...{ 'set-log-level': 1, 'set-mark': 1, 'set-nice': 1, 'set-tos': 1, 'set-timeout': 2 },
  ...{ 'use-service': 1, 'cache-use': 1, 'cache-store': 1, 'send-spoe-group': 2 },
  ...{ 'track-sc0': 1, 'track-sc1': 1, 'track-sc2': 1, 'strict-mode': 1 },
};

/** Words that take the next ones with them, in the actions that answer a request. */
const KEYED_ARGUMENTS: Readonly<Record<string, number>> = {
  ...{ status: 1, deny_status: 1, 'content-type': 1, hdr: 2 },
  ...{ errorfile: 1, errorfiles: 1, file: 1, 'lf-file': 1, string: 1, 'lf-string': 1 },
  ...{ location: 1, prefix: 1, scheme: 1, code: 1, 'set-cookie': 1, 'clear-cookie': 1 },
  ...{ realm: 1, reason: 1 },
};

/** Actions whose arguments are keyed. */
const ANSWERS: ReadonlySet<string> = new Set([
  ...['deny', 'tarpit', 'return', 'redirect', 'auth', 'set-status'],
]);

/** Reads a statement as a rule; undefined when it is none. */
export function readRule(statement: Statement): Rule | undefined {
  const { words, lineIndex, conditionDepth } = statement;
  if (statement.modifier !== undefined) return undefined;
  const [first = '', second = ''] = words;
  const two = `${first} ${second}`;
  const ruleset = RULESETS.has(two) ? two : first;
  const hasAction = RULESETS.get(ruleset);
  if (hasAction === undefined) return undefined;
  const keywords = ruleset === two ? 2 : 1;
  const word = hasAction ? (words[keywords] ?? '') : ruleset;
  const { action, target } = splitAction(word);
  const from = keywords + (hasAction ? 1 : 0);
  const conditionAt = findCondition(words, from, action);
  const keyword = words[conditionAt];
  return {
    lineIndex,
    conditionDepth,
    ruleset: ruleset as Ruleset,
    action,
    ...(target !== undefined && { target }),
    arguments: words.slice(from, conditionAt),
    ...((keyword === 'if' || keyword === 'unless') && {
      condition: parseRuleCondition(keyword, words.slice(conditionAt + 1)),
    }),
  };
}

function splitAction(word: string): { action: string; target?: readonly string[] } {
  const open = word.indexOf('(');
  if (open === -1) return { action: word };
  const list = parseArguments(word, open);
  return list.ok && list.end === word.length
    ? { action: word.slice(0, open), target: list.values }
    : { action: word };
}

/** Index of the `if` or `unless` that begins the condition, or the number of words. */
function findCondition(words: readonly string[], from: number, action: string): number {
  const fixed = Object.hasOwn(FIXED_ARGUMENTS, action) ? (FIXED_ARGUMENTS[action] ?? 0) : 0;
  let index = from + fixed;
  while (index < words.length) {
    const word = words[index] ?? '';
    if (word === 'if' || word === 'unless') return index;
    const isKeyed = ANSWERS.has(action) && Object.hasOwn(KEYED_ARGUMENTS, word);
    index += 1 + (isKeyed ? (KEYED_ARGUMENTS[word] ?? 0) : 0);
  }
  return words.length;
}
