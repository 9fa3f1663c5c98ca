import type { AgentId, Constraint } from '#core';
import { patternOf } from './pattern-cache.js';

/** Where something is, for constraints. */
export interface Site {
  /** Where spreading counts; constraints do not look at it. */
  readonly agentId?: AgentId;
  readonly hostname: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly zone?: string;
}

export interface ConstraintInput {
  readonly constraint: Constraint;
  /** The agent the offer comes from. */
  readonly site: Site;
  /** Where instances of the same configuration are. */
  readonly placed: readonly Site[];
  /** The app's instance count. */
  readonly instances: number;
  readonly distinctValues?: (field: string) => number;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly detail: string };

const OK: Verdict = { ok: true };
const refuse = (detail: string): Verdict => ({ ok: false, detail });

/** The value of a constraint field: `hostname`, `@hostname`, `@region`, `@zone` or an attribute. */
export function fieldValue(site: Site, field: string): string | undefined {
  switch (field) {
    case 'hostname':
    case '@hostname':
      return site.hostname;
    case '@region':
      return site.region;
    case '@zone':
      return site.zone;
    default:
      return Object.hasOwn(site.attributes, field) ? site.attributes[field] : undefined;
  }
}

/**
 * Whether one more instance may be placed at the site. An agent without the field passes only UNLIKE. O(placed).
 * Rules: Marathon 2.5; GROUP_BY without a number spreads over the values seen.
 */
export function checkConstraint(input: ConstraintInput): Verdict {
  const [field, operator, argument] = input.constraint;
  const value = fieldValue(input.site, field);
  const name = `${field} ${operator}${argument === undefined ? '' : ` ${argument}`}`;
  if (value === undefined) {
    return operator === 'UNLIKE' ? OK : refuse(`${name}: the agent has no ${field}`);
  }
  switch (operator) {
    case 'UNIQUE':
      return countOf(input, field, value) === 0 ? OK : refuse(`${name}: ${value} is taken`);
    case 'CLUSTER':
      return checkCluster(input, field, value, name);
    case 'GROUP_BY':
      return checkGroupBy(input, field, value, name);
    case 'LIKE':
    case 'UNLIKE':
      return checkPattern(operator, argument ?? '', value, name);
    case 'MAX_PER': {
      const count = countOf(input, field, value);
      const isFree = count < Number(argument);
      return isFree ? OK : refuse(`${name}: ${value} has ${count} already`);
    }
    case 'IS':
      return normaliseNumber(value) === normaliseNumber(argument ?? '')
        ? OK
        : refuse(`${name}: it is ${value}`);
    default:
      return refuse(`${name}: the operator is unknown`);
  }
}

function countOf(input: ConstraintInput, field: string, value: string): number {
  let count = 0;
  for (const site of input.placed) if (fieldValue(site, field) === value) count += 1;
  return count;
}

function checkCluster(input: ConstraintInput, field: string, value: string, name: string): Verdict {
  const argument = input.constraint[2];
  const [first] = input.placed;
  const expected =
    argument !== undefined && argument !== ''
      ? argument
      : first === undefined
        ? value
        : fieldValue(first, field);
  return value === expected ? OK : refuse(`${name}: it is ${value}, not ${expected ?? 'absent'}`);
}

/**
 * N groups share the instances: base = I div N each, the first I mod N groups to get there one more. A new group is
 * opened while there are fewer than N.
 */
function checkGroupBy(input: ConstraintInput, field: string, value: string, name: string): Verdict {
  const counts = new Map<string, number>();
  for (const site of input.placed) {
    const group = fieldValue(site, field);
    if (group !== undefined) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const given = Math.trunc(Number(input.constraint[2] ?? ''));
  const isGiven = Number.isFinite(given) && given > 0;
  const seen = Math.max(
    input.distinctValues?.(field) ?? 0,
    counts.size + (counts.has(value) ? 0 : 1),
  );
  const groups = isGiven ? given : Math.max(1, seen);
  const count = counts.get(value);
  if (count === undefined) {
    return counts.size < groups ? OK : refuse(`${name}: there are ${counts.size} groups already`);
  }
  const base = Math.floor(input.instances / groups);
  const remainder = input.instances % groups;
  const above = [...counts.values()].filter((size) => size > base).length;
  const isFree = count < base || (count === base && above < remainder);
  return isFree ? OK : refuse(`${name}: ${value} has its share of ${count} already`);
}

function checkPattern(
  operator: 'LIKE' | 'UNLIKE',
  source: string,
  value: string,
  name: string,
): Verdict {
  const pattern = patternOf(source);
  if (!pattern.ok) return refuse(`${name}: the pattern ${pattern.error}`);
  const isFine = pattern.matches(value) === (operator === 'LIKE');
  return isFine ? OK : refuse(`${name}: it is ${value}`);
}

/** `1`, `1.0` and `1.000` are the same number. */
function normaliseNumber(text: string): string {
  const isNumber = /^[+-]?\d+(\.\d+)?$/.test(text.trim());
  return isNumber ? String(Number(text)) : text;
}
