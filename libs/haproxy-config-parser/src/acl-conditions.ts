/** A flag before the values of an ACL; `-f`, `-m` and `-u` have a value. */
export interface AclFlag {
  readonly name: string;
  readonly value?: string;
}

/** What an ACL compares: a criterion (a sample expression such as `hdr(host),lower`) with flags and patterns. */
export interface AclTest {
  readonly criterion: string;
  readonly flags: readonly AclFlag[];
  /** The patterns, an operator such as `ge` among them. */
  readonly values: readonly string[];
}

/** An `acl` line. Several lines of one name are one ACL: any of them may match. */
export interface Acl extends AclTest {
  readonly lineIndex: number;
  readonly name: string;
}

/** One operand of a condition: a named ACL, or an anonymous one between braces. */
export type ConditionTerm =
  | { readonly isNegated: boolean; readonly acl: string }
  | { readonly isNegated: boolean; readonly test: AclTest };

/** What stands behind a rule: the rule applies if (or unless) all terms of one of the alternatives hold. */
export interface RuleCondition {
  readonly keyword: 'if' | 'unless';
  readonly words: readonly string[];
  readonly alternatives: readonly (readonly ConditionTerm[])[];
  /** Set when a brace is not closed, which HAProxy refuses. */
  readonly isOpen?: true;
}

const FLAGS_WITH_VALUE: ReadonlySet<string> = new Set(['-f', '-m', '-u']);

/** Reads what follows the name of an ACL, or what is between the braces of an anonymous one. */
export function parseAclTest(words: readonly string[]): AclTest {
  const [criterion = '', ...rest] = words;
  const flags: AclFlag[] = [];
  let index = 0;
  for (let name = rest[index]; name?.startsWith('-'); name = rest[index]) {
    index++;
    if (name === '--') break;
    const value = FLAGS_WITH_VALUE.has(name) ? rest[index++] : undefined;
    flags.push(value === undefined ? { name } : { name, value });
  }
  return { criterion, flags, values: rest.slice(index) };
}

/** Reads the words behind `if` or `unless`: `or` and `||` separate alternatives, `!` negates, and nothing between two terms is "and". */
export function parseRuleCondition(
  keyword: 'if' | 'unless',
  words: readonly string[],
): RuleCondition {
  const alternatives: ConditionTerm[][] = [[]];
  let isNegated = false;
  let isOpen = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const name = word.replace(/^!+/, '');
    if ((word.length - name.length) % 2 === 1) isNegated = !isNegated;
    if (name === '') continue;
    if (name === '||' || name.toLowerCase() === 'or') {
      alternatives.push([]);
      isNegated = false;
      continue;
    }
    const terms = alternatives.at(-1);
    if (name === '{') {
      const close = words.indexOf('}', index + 1);
      isOpen = close === -1;
      const end = isOpen ? words.length : close;
      terms?.push({ isNegated, test: parseAclTest(words.slice(index + 1, end)) });
      index = end;
    } else {
      terms?.push({ isNegated, acl: name });
    }
    isNegated = false;
  }
  const condition = { keyword, words, alternatives };
  return isOpen ? { ...condition, isOpen } : condition;
}
