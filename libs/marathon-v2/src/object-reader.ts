import type { ProblemLog } from './refusal.js';

/** The largest whole number accepted where Marathon has an Int. */
export const MAX_INT = 2_147_483_647;

type Item<Value> = (value: unknown, path: string) => Value | undefined;

/**
 * Reads one JSON object field by field, reporting wrong types by path in Marathon's codes and, on {@link finish}, the
 * fields nobody asked for. `null` counts as absent. What was wrong reads as undefined; the log says that it was.
 */
export class ObjectReader {
  private readonly asked = new Set<string>();

  private constructor(
    private readonly source: Readonly<Record<string, unknown>>,
    readonly path: string,
    readonly problems: ProblemLog,
  ) {}

  static open(value: unknown, path: string, problems: ProblemLog): ObjectReader | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new ObjectReader(value as Readonly<Record<string, unknown>>, path, problems);
    }
    problems.reportShape(path, 'error.expected.jsobject');
    return undefined;
  }

  pathOf(name: string): string {
    return `${this.path}/${name}`;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.source, name) && this.source[name] !== null;
  }

  /** Names of all fields that are present. */
  names(): readonly string[] {
    return Object.keys(this.source).filter((name) => this.has(name));
  }

  raw(name: string): unknown {
    this.asked.add(name);
    return this.has(name) ? this.source[name] : undefined;
  }

  string(name: string, options: { readonly minLength?: number } = {}): string | undefined {
    const text = this.typed(name, asString(this.problems));
    if (text !== undefined && text.length < (options.minLength ?? 0)) {
      this.problems.reportShape(this.pathOf(name), 'error.minLength');
      return undefined;
    }
    return text;
  }

  requiredString(name: string, options: { readonly minLength?: number } = {}): string | undefined {
    if (!this.has(name)) this.reportMissing(name);
    return this.string(name, options);
  }

  boolean(name: string): boolean | undefined {
    return this.typed(name, (value, path) => {
      if (typeof value === 'boolean') return value;
      this.problems.reportShape(path, 'error.expected.jsboolean');
      return undefined;
    });
  }

  number(name: string): number | undefined {
    return this.typed(name, asNumber(this.problems));
  }

  /** A whole number of at most 32 bits with sign. */
  integer(name: string): number | undefined {
    return this.typed(name, asInteger(this.problems));
  }

  oneOf<Value extends string>(name: string, allowed: readonly Value[]): Value | undefined {
    return this.typed(name, (value, path) => {
      const text = asString(this.problems)(value, path);
      if (text === undefined) return undefined;
      const match = allowed.find((candidate) => candidate === text);
      if (match === undefined) {
        this.problems.reportShape(
          path,
          `error.unknown.enum.literal: ${JSON.stringify(text.slice(0, 60))} is not one of ${allowed.join(', ')}`,
        );
      }
      return match;
    });
  }

  strings(name: string): readonly string[] | undefined {
    return this.list(name, asString(this.problems));
  }

  integers(name: string): readonly number[] | undefined {
    return this.list(name, asInteger(this.problems));
  }

  /** A list; items that are wrong are reported and left out. */
  list<Value>(name: string, item: Item<Value>): readonly Value[] | undefined {
    return this.typed(name, (value, path) => readList(value, path, this.problems, item));
  }

  objects<Value>(
    name: string,
    read: (reader: ObjectReader) => Value | undefined,
  ): readonly Value[] | undefined {
    return this.list(name, (value, path) => readObject(value, path, this.problems, read));
  }

  object<Value>(
    name: string,
    read: (reader: ObjectReader) => Value | undefined,
  ): Value | undefined {
    return this.typed(name, (value, path) => readObject(value, path, this.problems, read));
  }

  /** An object with arbitrary keys. Keys become own properties whatever they are called. */
  map<Value>(name: string, item: Item<Value>): Readonly<Record<string, Value>> | undefined {
    return this.typed(name, (value, path) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        this.problems.reportShape(path, 'error.expected.jsobject');
        return undefined;
      }
      const entries: [string, Value][] = [];
      for (const [key, raw] of Object.entries(value)) {
        const read = item(raw, `${path}/${key}`);
        if (read !== undefined) entries.push([key, read]);
      }
      return Object.fromEntries(entries);
    });
  }

  stringMap(name: string): Readonly<Record<string, string>> | undefined {
    return this.map(name, asString(this.problems));
  }

  /** An object kept as it is, for fields we store and give back without interpreting them. */
  opaque(name: string): Readonly<Record<string, unknown>> | undefined {
    return this.typed(name, (value, path) => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return value as Readonly<Record<string, unknown>>;
      }
      this.problems.reportShape(path, 'error.expected.jsobject');
      return undefined;
    });
  }

  /** Fields that the server writes: ignored when a client sends them back. */
  ignore(names: readonly string[]): void {
    for (const name of names) this.asked.add(name);
  }

  reportMissing(name: string): void {
    this.problems.reportShape(this.pathOf(name), 'error.path.missing');
  }

  /** To be called when all known fields were asked for. */
  finish(): void {
    for (const name of Object.keys(this.source)) {
      if (!this.asked.has(name)) this.problems.reportUnknownField(this.pathOf(name));
    }
  }

  private typed<Value>(name: string, read: Item<Value>): Value | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : read(value, this.pathOf(name));
  }
}

/** Reads a list of items at any path, `(index)` appended per item. */
export function readList<Value>(
  value: unknown,
  path: string,
  problems: ProblemLog,
  item: Item<Value>,
): readonly Value[] | undefined {
  if (!Array.isArray(value)) {
    problems.reportShape(path, 'error.expected.jsarray');
    return undefined;
  }
  const items: Value[] = [];
  value.forEach((raw: unknown, index) => {
    const read = item(raw, `${path}(${index})`);
    if (read !== undefined) items.push(read);
  });
  return items;
}

/** Reads one object and reports the fields that `read` did not ask for. */
export function readObject<Value>(
  value: unknown,
  path: string,
  problems: ProblemLog,
  read: (reader: ObjectReader) => Value | undefined,
): Value | undefined {
  const reader = ObjectReader.open(value, path, problems);
  if (reader === undefined) return undefined;
  const result = read(reader);
  reader.finish();
  return result;
}

export const asString =
  (problems: ProblemLog): Item<string> =>
  (value, path) => {
    if (typeof value === 'string') return value;
    problems.reportShape(path, 'error.expected.jsstring');
    return undefined;
  };

const asNumber =
  (problems: ProblemLog): Item<number> =>
  (value, path) => {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    problems.reportShape(path, 'error.expected.jsnumber');
    return undefined;
  };

const asInteger =
  (problems: ProblemLog): Item<number> =>
  (value, path) => {
    const number = asNumber(problems)(value, path);
    if (number === undefined) return undefined;
    if (Number.isInteger(number) && Math.abs(number) <= MAX_INT) return number;
    problems.reportShape(path, 'error.expected.int');
    return undefined;
  };

type Defined<Fields> = {
  [Key in keyof Fields as undefined extends Fields[Key] ? never : Key]: Fields[Key];
} & {
  [Key in keyof Fields as undefined extends Fields[Key] ? Key : never]?: Exclude<
    Fields[Key],
    undefined
  >;
};

/** The object without its undefined fields, so that absent and undefined are never told apart later. */
export function definedFields<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<Fields>;
}
