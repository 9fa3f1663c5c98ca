import { compilePattern, type RoleName, roleName } from '#core';
import type { AgentTraits } from './agent-traits.js';

/** Mesos' OfferConstraints, as it stands in JSON. */
export interface OfferConstraints {
  readonly role_constraints?: Readonly<Record<string, RoleConstraints>>;
}

interface RoleConstraints {
  readonly groups?: readonly {
    readonly attribute_constraints?: readonly AttributeConstraint[];
  }[];
}

interface AttributeConstraint {
  readonly selector?: {
    readonly attribute_name?: string;
    readonly pseudoattribute_type?: string;
  };
  readonly predicate?: {
    readonly exists?: object;
    readonly not_exists?: object;
    readonly text_equals?: { readonly value?: string };
    readonly text_not_equals?: { readonly value?: string };
    readonly text_matches?: { readonly regex?: string };
    readonly text_not_matches?: { readonly regex?: string };
  };
}

/** Whether a role of a framework wants offers of an agent at all. */
export interface CompiledConstraints {
  readonly allows: (agent: AgentTraits) => boolean;
}

/** Compiled constraints by role, or what is wrong: path and message. */
export type ConstraintsResult =
  | { readonly ok: true; readonly byRole: ReadonlyMap<RoleName, CompiledConstraints> }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Groups of one role at most. */
export const MAX_CONSTRAINT_GROUPS = 64;
/** Constraints of one group at most. */
export const MAX_CONSTRAINTS_PER_GROUP = 64;

/** What a selector finds on an agent: nothing, an attribute that is no text, or a text. */
type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'other' }
  | { readonly kind: 'text'; readonly text: string };
type Selector = (agent: AgentTraits) => Found;
type Test = (agent: AgentTraits) => boolean;

/**
 * Compiles offer constraints. An agent passes for a role when it meets all constraints of one of the role's groups.
 * As in Mesos, a predicate on text holds for attributes of other types: it does not speak of them.
 */
export function compileOfferConstraints(given: OfferConstraints): ConstraintsResult {
  const errors: string[] = [];
  const byRole = new Map<RoleName, CompiledConstraints>();
  for (const [role, { groups = [] }] of Object.entries(given.role_constraints ?? {})) {
    const path = `offer_constraints.role_constraints.${role}.groups`;
    const tests = compileGroups(groups, { path, errors });
    byRole.set(roleName(role), { allows: remember((agent) => tests.some((test) => test(agent))) });
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, byRole };
}

/** Patterns are slow and agents seldom change their traits: each is asked once. */
function remember(test: Test): Test {
  const known = new WeakMap<AgentTraits, boolean>();
  return (agent) => {
    const result = known.get(agent) ?? test(agent);
    known.set(agent, result);
    return result;
  };
}

interface Place {
  readonly path: string;
  /** Filled by the compiler. */
  readonly errors: string[];
}

function compileGroups(
  groups: NonNullable<RoleConstraints['groups']>,
  { path, errors }: Place,
): readonly Test[] {
  if (groups.length === 0) errors.push(`${path}: is empty, at least one group is needed`);
  if (groups.length > MAX_CONSTRAINT_GROUPS) {
    errors.push(`${path}: has ${groups.length} groups, the limit is ${MAX_CONSTRAINT_GROUPS}`);
    return [];
  }
  return groups.map(({ attribute_constraints = [] }, index) => {
    const place = { path: `${path}[${index}].attribute_constraints`, errors };
    if (attribute_constraints.length === 0) errors.push(`${place.path}: is empty`);
    if (attribute_constraints.length > MAX_CONSTRAINTS_PER_GROUP) {
      errors.push(
        `${place.path}: has ${attribute_constraints.length} constraints, the limit is ${MAX_CONSTRAINTS_PER_GROUP}`,
      );
      return () => false;
    }
    const tests = attribute_constraints.map((constraint, at) =>
      compileConstraint(constraint, { path: `${place.path}[${at}]`, errors }),
    );
    return (agent) => tests.every((test) => test(agent));
  });
}

function compileConstraint(constraint: AttributeConstraint, place: Place): Test {
  const selector = compileSelector(constraint.selector, place);
  const predicate = compilePredicate(constraint.predicate, place);
  return (agent) => predicate(selector(agent));
}

function compileSelector(
  selector: AttributeConstraint['selector'],
  { path, errors }: Place,
): Selector {
  const name = selector?.attribute_name;
  const pseudo = selector?.pseudoattribute_type;
  if ((name === undefined) === (pseudo === undefined)) {
    errors.push(`${path}.selector: needs one of attribute_name and pseudoattribute_type`);
    return () => ({ kind: 'none' });
  }
  if (name !== undefined) return (agent) => findAttribute(agent, name);
  switch (pseudo) {
    case 'HOSTNAME':
      return (agent) => ({ kind: 'text', text: agent.hostname });
    case 'REGION':
      return (agent) => toFound(agent.region);
    case 'ZONE':
      return (agent) => toFound(agent.zone);
    default:
      errors.push(
        `${path}.selector.pseudoattribute_type: ${pseudo} is not HOSTNAME, REGION or ZONE`,
      );
      return () => ({ kind: 'none' });
  }
}

const toFound = (text: string | undefined): Found =>
  text === undefined ? { kind: 'none' } : { kind: 'text', text };

function findAttribute(agent: AgentTraits, name: string): Found {
  const attribute = agent.attributes.find((one) => one.name === name);
  if (attribute === undefined) return { kind: 'none' };
  return attribute.text === undefined ? { kind: 'other' } : { kind: 'text', text: attribute.text };
}

type Predicate = (found: Found) => boolean;

function compilePredicate(
  predicate: AttributeConstraint['predicate'],
  { path, errors }: Place,
): Predicate {
  const named = Object.entries(predicate ?? {}).filter(([, value]) => value !== undefined);
  const [only] = named;
  if (predicate === undefined || only === undefined || named.length > 1) {
    errors.push(`${path}.predicate: needs one predicate, has ${named.length}`);
    return () => false;
  }
  const place = { path: `${path}.predicate.${only[0]}`, errors };
  switch (only[0]) {
    case 'exists':
      return (found) => found.kind !== 'none';
    case 'not_exists':
      return (found) => found.kind === 'none';
    case 'text_equals':
      return onText(equals(predicate.text_equals?.value, place), { whenAbsent: false });
    case 'text_not_equals':
      return onText(not(equals(predicate.text_not_equals?.value, place)), { whenAbsent: true });
    case 'text_matches':
      return onText(matches(predicate.text_matches?.regex, place), { whenAbsent: false });
    case 'text_not_matches':
      return onText(not(matches(predicate.text_not_matches?.regex, place)), { whenAbsent: true });
    default:
      errors.push(`${place.path}: is no predicate we know`);
      return () => false;
  }
}

type TextTest = (text: string) => boolean;

const onText =
  (test: TextTest, { whenAbsent }: { readonly whenAbsent: boolean }): Predicate =>
  (found) => {
    if (found.kind === 'none') return whenAbsent;
    return found.kind === 'other' || test(found.text);
  };

const not =
  (test: TextTest): TextTest =>
  (text) =>
    !test(text);

function equals(value: string | undefined, { path, errors }: Place): TextTest {
  if (value === undefined) errors.push(`${path}.value: is missing`);
  return (text) => text === value;
}

function matches(regex: string | undefined, { path, errors }: Place): TextTest {
  if (regex === undefined) {
    errors.push(`${path}.regex: is missing`);
    return () => false;
  }
  const pattern = compilePattern(regex);
  if (pattern.ok) return pattern.matches;
  errors.push(`${path}.regex: ${regex} ${pattern.error}`);
  return () => false;
}
