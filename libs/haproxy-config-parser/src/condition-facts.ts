import type { ConditionExpression } from './condition-expression.js';
import { compareHaproxyVersions, parseHaproxyVersion } from './haproxy-version.js';
import type { ConfigEnvironment } from './model.js';

/** What conditions ask about. A fact that is not given is unknown; the environment is always the whole environment. */
export interface ConditionFacts {
  /** Variables at the start; by default those the document was read with. */
  readonly environment?: ConfigEnvironment;
  /** HAProxy's version, such as `2.6.12`. */
  readonly version?: string;
  /** Features built in, as `OPENSSL` where `haproxy -vv` has `+OPENSSL`. */
  readonly features?: readonly string[];
  /** Options enabled at run time, for `enabled()`. */
  readonly enabled?: readonly string[];
  /** Version of the TLS library, such as `3.0.19` or `1.1.1k`. */
  readonly opensslVersion?: string;
  /** Name of the TLS library, such as `OpenSSL 3.0.19 27 Jan 2026`. */
  readonly sslLibraryName?: string;
}

/** A truth value that may be unknown for want of a fact. */
export type Truth = 'true' | 'false' | 'unknown';

/** The environment as the lines before left it. */
export interface EnvironmentState {
  /** Changed in place; without prototype, so that any name is only what was set. */
  readonly values: Record<string, string>;
  /** Variables a line of unknown state may have changed. */
  readonly unknown: Set<string>;
}

/** The variables of an environment that are set, to be followed from line to line. */
export function toEnvironmentState(environment: ConfigEnvironment): EnvironmentState {
  const values: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined) values[name] = value;
  }
  return { values, unknown: new Set() };
}

/** Evaluates a condition with what is known; `unknown` only where the missing fact matters. */
export function evaluateCondition(
  expression: ConditionExpression,
  facts: ConditionFacts,
  environment: EnvironmentState,
): Truth {
  switch (expression.kind) {
    case 'constant':
      return toTruth(expression.value);
    case 'not':
      return negate(evaluateCondition(expression.operand, facts, environment));
    case 'and':
    case 'or': {
      const settling: Truth = expression.kind === 'and' ? 'false' : 'true';
      let result: Truth = negate(settling);
      for (const operand of expression.operands) {
        const truth = evaluateCondition(operand, facts, environment);
        if (truth === settling) return settling;
        if (truth === 'unknown') result = 'unknown';
      }
      return result;
    }
    case 'predicate':
      return evaluatePredicate(expression.name, expression.arguments, { facts, environment });
    default:
      return expression satisfies never;
  }
}

/** The opposite; the opposite of unknown is unknown. */
export function negate(truth: Truth): Truth {
  return truth === 'unknown' ? truth : toTruth(truth === 'false');
}

/** Both: false wins over unknown. */
export function both(a: Truth, b: Truth): Truth {
  if (a === 'false' || b === 'false') return 'false';
  return a === 'unknown' || b === 'unknown' ? 'unknown' : 'true';
}

/** One of them: true wins over unknown. */
export function either(a: Truth, b: Truth): Truth {
  return negate(both(negate(a), negate(b)));
}

function toTruth(value: boolean): Truth {
  return value ? 'true' : 'false';
}

function evaluatePredicate(
  name: string,
  values: readonly string[],
  known: { readonly facts: ConditionFacts; readonly environment: EnvironmentState },
): Truth {
  const { facts, environment } = known;
  const [first = '', second = ''] = values;
  switch (name) {
    case 'defined':
      if (environment.unknown.has(first)) return 'unknown';
      return toTruth(Object.hasOwn(environment.values, first));
    case 'feature':
      return contains(facts.features, first);
    case 'enabled':
      return contains(facts.enabled, first);
    case 'streq':
      return toTruth(first === second);
    case 'strneq':
      return toTruth(first !== second);
    case 'strstr':
      return toTruth(first.includes(second));
    case 'version_atleast':
      return isAtLeast(facts.version, first);
    case 'version_before':
      return negate(isAtLeast(facts.version, first));
    case 'openssl_version_atleast':
      return isOpensslAtLeast(facts.opensslVersion, first);
    case 'openssl_version_before':
      return negate(isOpensslAtLeast(facts.opensslVersion, first));
    case 'ssllib_name_startswith':
      if (facts.sslLibraryName === undefined) return 'unknown';
      return toTruth(facts.sslLibraryName.startsWith(first));
    default:
      return 'unknown';
  }
}

function contains(list: readonly string[] | undefined, item: string): Truth {
  return list === undefined ? 'unknown' : toTruth(list.includes(item));
}

/** A version HAProxy cannot read counts as older than its own. */
function isAtLeast(version: string | undefined, wanted: string): Truth {
  const actual = version === undefined ? undefined : parseHaproxyVersion(version);
  if (actual === undefined) return 'unknown';
  const minimum = parseHaproxyVersion(wanted);
  return toTruth(minimum === undefined || compareHaproxyVersions(actual, minimum) >= 0);
}

/** Three numbers and a patch letter: `1.1.1k`. */
function isOpensslAtLeast(version: string | undefined, wanted: string): Truth {
  const actual = version === undefined ? undefined : splitOpensslVersion(version);
  if (actual === undefined) return 'unknown';
  const minimum = splitOpensslVersion(wanted);
  return toTruth(minimum === undefined || compareHaproxyVersions(actual, minimum) >= 0);
}

function splitOpensslVersion(text: string): readonly number[] | undefined {
  const match = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?([a-z])?/.exec(text);
  if (match === null) return undefined;
  const [, major, minor = '0', patch = '0', letter] = match;
  const letterValue = letter === undefined ? 0 : letter.charCodeAt(0) - 96;
  return [Number(major), Number(minor), Number(patch), letterValue];
}
