/** One field of a request and what is wrong with it. Path grammar: `/field`, an index as `(0)`, the root as `/`. */
export interface FieldProblem {
  readonly path: string;
  readonly errors: readonly string[];
}

/** Why a request is not carried out. Each kind has one status and one body, fixed by {@link describeRefusal}. */
export type Refusal =
  | { readonly kind: 'malformed-json'; readonly details: string }
  | { readonly kind: 'wrong-shape'; readonly details: readonly FieldProblem[] }
  | { readonly kind: 'broken-rule'; readonly details: readonly FieldProblem[] }
  | { readonly kind: 'bad-argument'; readonly message: string }
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'exists'; readonly message: string };

/** What a reader or a change gives back: a value with warnings for the client, or the reason why not. */
export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly refusal: Refusal };

/** The body of an error answer. `details` is a text for unreadable JSON and a list of fields otherwise. */
export interface ErrorBody {
  readonly message: string;
  readonly details?: string | readonly FieldProblem[];
}

/** The HTTP status and the exact body of a refusal (Marathon v2, error bodies). */
export function describeRefusal(refusal: Refusal): {
  readonly status: number;
  readonly body: ErrorBody;
} {
  switch (refusal.kind) {
    case 'malformed-json':
      return { status: 400, body: { message: 'Invalid JSON', details: refusal.details } };
    case 'wrong-shape':
      return { status: 422, body: { message: 'Invalid JSON', details: refusal.details } };
    case 'broken-rule':
      return { status: 422, body: { message: 'Object is not valid', details: refusal.details } };
    case 'bad-argument':
      return { status: 422, body: { message: refusal.message } };
    case 'missing':
      return { status: 404, body: { message: refusal.message } };
    case 'exists':
      return { status: 409, body: { message: refusal.message } };
    default:
      return refusal satisfies never;
  }
}

export const accept = <Value>(value: Value, warnings: readonly string[] = []): Outcome<Value> => ({
  ok: true,
  value,
  warnings,
});

export const refuse = (refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } => ({
  ok: false,
  refusal,
});

/** At most this many fields are named in one answer, and this many warnings are kept. */
export const MAX_REPORTED_PROBLEMS = 100;

/**
 * Collects what is wrong while a request is read and checked: shape first (types, required fields), rules after. Owned
 * by one request; grouped by path in the order of first report.
 */
export class ProblemLog {
  private readonly shape = new Map<string, string[]>();
  private readonly rules = new Map<string, string[]>();
  private readonly warned: string[] = [];
  private readonly unknown: string[] = [];
  /** Ids by the paths of list elements. */
  private readonly names = new Map<string, string>();

  /**
   * What stands at a place in a list, for the errors about it: an index helps nobody who has a thousand apps. Codes of
   * wrong shapes stay alone, as clients translate them: their words stand beside them (see `explainProblems`).
   */
  name(path: string, id: string): void {
    if (path.endsWith(')')) this.names.set(path, id);
  }

  reportShape(path: string, error: string): void {
    add(this.shape, path, error);
  }

  reportRule(path: string, error: string): void {
    add(this.rules, path, error);
  }

  warn(text: string): void {
    if (this.warned.length < MAX_REPORTED_PROBLEMS) this.warned.push(text);
  }

  reportUnknownField(path: string): void {
    if (this.unknown.length < MAX_REPORTED_PROBLEMS) this.unknown.push(path);
  }

  get warnings(): readonly string[] {
    return [...this.unknown.map((path) => `unknown field ${path} is ignored`), ...this.warned];
  }

  /** The refusal these problems amount to; with `strict`, unknown fields count as rule violations. */
  refusal(options: { readonly strict: boolean } = { strict: false }): Refusal | undefined {
    if (this.shape.size > 0) return { kind: 'wrong-shape', details: toDetails(this.shape) };
    const rules = new Map(this.rules);
    if (options.strict) for (const path of this.unknown) add(rules, path, 'unknown field');
    if (rules.size === 0) return undefined;
    const details = toDetails(rules).map((problem) => this.withName(problem));
    return { kind: 'broken-rule', details };
  }

  private withName({ path, errors }: FieldProblem): FieldProblem {
    for (let end = path.lastIndexOf(')'); end >= 0; end = path.lastIndexOf(')', end - 1)) {
      const name = this.names.get(path.slice(0, end + 1));
      if (name !== undefined) return { path, errors: errors.map((error) => `${error} (${name})`) };
    }
    return { path, errors };
  }

  /** The value if nothing is wrong, else the refusal. */
  conclude<Value>(
    value: Value | undefined,
    options?: { readonly strict: boolean },
  ): Outcome<Value> {
    const refusal = this.refusal(options);
    if (refusal !== undefined) return refuse(refusal);
    if (value !== undefined) return accept(value, this.warnings);
    return refuse({
      kind: 'wrong-shape',
      details: [{ path: '/', errors: ['error.path.missing'] }],
    });
  }
}

function add(problems: Map<string, string[]>, path: string, error: string): void {
  const key = path === '' ? '/' : path;
  const known = problems.get(key);
  if (known !== undefined) {
    if (!known.includes(error)) known.push(error);
  } else if (problems.size < MAX_REPORTED_PROBLEMS) problems.set(key, [error]);
}

const toDetails = (problems: ReadonlyMap<string, string[]>): readonly FieldProblem[] =>
  [...problems].map(([path, errors]) => ({ path, errors }));
