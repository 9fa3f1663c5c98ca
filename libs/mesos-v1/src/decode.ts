import { CALL_LIMITS, TEXT_LIMITS } from './call-limits.js';

/**
 * Decoders from parsed JSON to wire types, by the JSON rules of the v1 API: null means absent, unknown fields are
 * ignored, numbers and booleans may arrive as strings. Problems are collected as values, never thrown.
 */

/** One problem of a message: where (`accept.offer_ids[0].value`) and what. */
export interface DecodeIssue {
  readonly path: string;
  readonly message: string;
}

/**
 * Collects issues; bounded, since a hostile body could have millions. Paths are written only when asked for: nearly all
 * messages have no issue, and the others are read a second time.
 */
export class Issues {
  readonly list: DecodeIssue[] = [];
  private bounded: boolean;

  constructor(
    private readonly options: {
      readonly hasPaths: boolean;
      /** Whether lengths and amounts that no honest client needs are issues; else only what cannot be read is. */
      readonly isBounded: boolean;
    },
  ) {
    this.bounded = options.isBounded;
  }

  get isBounded(): boolean {
    return this.bounded;
  }

  /** The path of a field, or of an item in brackets. */
  pathOf(parent: string, name: string | number): string {
    if (!this.options.hasPaths) return '';
    if (typeof name === 'number') return `${parent}[${name}]`;
    const short = name.length > MAX_ECHO ? `${name.slice(0, MAX_ECHO)}...` : name;
    return parent === '' ? short : `${parent}.${short}`;
  }

  /** Reads something that was accepted once, perhaps under other limits. */
  withoutBounds<Value>(read: () => Value): Value {
    const before = this.bounded;
    this.bounded = false;
    const value = read();
    this.bounded = before;
    return value;
  }

  add(path: string, message: string): undefined {
    if (this.list.length < MAX_ISSUES) this.list.push({ path, message });
    return undefined;
  }
}

/** Reads one value, or adds at least one issue and returns undefined. */
export type Decoder<Value> = (input: unknown, path: string, issues: Issues) => Value | undefined;

/** Every field of `Message` needs a decoder: a new field of a wire type does not compile until it is read. */
export type FieldDecoders<Message> = {
  readonly [Key in keyof Message]-?: Record<never, never> extends Pick<Message, Key>
    ? OptionalField<Exclude<Message[Key], undefined>>
    : RequiredField<Message[Key]>;
};

interface OptionalField<Value> {
  readonly presence: 'optional';
  readonly decode: Decoder<Value>;
}
interface RequiredField<Value> {
  readonly presence: 'required';
  readonly decode: Decoder<Value>;
  /** Stands in for an absent field. */
  readonly fallback?: Value;
}

const MAX_ISSUES = 20;
const MAX_ECHO = 64;
const MAX_DEPTH = 64;
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
const MAX_AMOUNT = 1e12;

export const required = <Value>(decode: Decoder<Value>): RequiredField<Value> => ({
  presence: 'required',
  decode,
});
/** A list that is empty when absent, as protobuf's repeated fields are. */
export const repeated = <Value>(
  decode: Decoder<Value>,
  limit?: number,
): RequiredField<readonly Value[]> => ({
  presence: 'required',
  decode: listOf(decode, limit),
  fallback: [],
});
export const optional = <Value>(decode: Decoder<Value>): OptionalField<Value> => ({
  presence: 'optional',
  decode,
});

/** Keeps only the listed fields. */
export const closedMessage = <Message>(fields: FieldDecoders<Message>): Decoder<Message> =>
  messageDecoder(fields, { keepUnknown: false });

/** Also carries fields we do not know, nulls removed: what we pass on to agents and show must not get lost. */
export const openMessage = <Message>(fields: FieldDecoders<Message>): Decoder<Message> =>
  messageDecoder(fields, { keepUnknown: true });

export const text: Decoder<string> = (input, path, issues) =>
  typeof input === 'string' ? input : issues.add(path, `is ${nameOf(input)}, not a string`);

/** Text of at most `limit` characters. */
export const textUpTo =
  (limit: number, decode: Decoder<string> = text): Decoder<string> =>
  (input, path, issues) => {
    const isTooLong = issues.isBounded && typeof input === 'string' && input.length > limit;
    return isTooLong ? addTooLong(input, limit, path, issues) : decode(input, path, issues);
  };

/** Reads what was accepted once: without bounds. */
export const withoutBounds =
  <Value>(decode: Decoder<Value>): Decoder<Value> =>
  (input, path, issues) =>
    issues.withoutBounds(() => decode(input, path, issues));

export const nonEmptyText: Decoder<string> = (input, path, issues) =>
  input === '' ? issues.add(path, 'is empty') : text(input, path, issues);

/** Text without control characters and halves of surrogate pairs, which no database keeps and every log suffers from. */
export const plainText: Decoder<string> = (input, path, issues) => {
  const value = text(input, path, issues);
  if (value === undefined || !UNPRINTABLE.test(value)) return value;
  return issues.add(path, `is ${nameOf(input)}, which has characters that cannot be printed`);
};

export const plainName: Decoder<string> = (input, path, issues) =>
  input === '' ? issues.add(path, 'is empty') : plainText(input, path, issues);

/** What names a row of the registry and a folder of an agent, by Mesos' rule for ids. */
export const pathName: Decoder<string> = (input, path, issues) => {
  const value = plainName(input, path, issues);
  if (value === undefined) return undefined;
  const limit = TEXT_LIMITS.registeredId;
  if (value.length > limit) return addTooLong(value, limit, path, issues);
  const isPath = value === '.' || value === '..' || /[/\\]/.test(value);
  return isPath ? issues.add(path, `is ${nameOf(value)}, which is a path`) : value;
};

const UUID_BYTES = 16;

/** Base64, plain or URL-safe, of exactly 16 bytes; kept as text. */
export const uuidOfBase64: Decoder<string> = (input, path, issues) => {
  const value = text(input, path, issues);
  if (value === undefined) return undefined;
  const isBase64 = /^[A-Za-z0-9+/_-]*={0,2}$/.test(value);
  const bytes = Math.floor((value.replace(/=+$/, '').length * 3) / 4);
  return isBase64 && bytes === UUID_BYTES
    ? value
    : issues.add(path, `is not the base64 of ${UUID_BYTES} bytes`);
};

/** Base64, plain or URL-safe, kept as text: bytes in JSON. */
export const base64: Decoder<string> = (input, path, issues) => {
  const value = text(input, path, issues);
  if (value === undefined || !issues.isBounded || /^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) {
    return value;
  }
  return issues.add(path, 'is not base64');
};

/** 0, 1, 2 and so on, as far as they are exact. */
export const wholeNumber: Decoder<number> = (input, path, issues) =>
  wholeWithin(input, Number.MAX_SAFE_INTEGER, path, issues);

/** From 0 to `max`, without a fraction; any number where nothing is bounded. */
export const wholeUpTo =
  (max: number): Decoder<number> =>
  (input, path, issues) =>
    issues.isBounded ? wholeWithin(input, max, path, issues) : number(input, path, issues);

/** A number that can be counted in thousandths together with many like it. */
export const amount: Decoder<number> = (input, path, issues) => {
  const value = number(input, path, issues);
  if (value === undefined || Math.abs(value) <= MAX_AMOUNT) return value;
  return issues.add(path, `is ${value}; at most ${MAX_AMOUNT} can be counted`);
};

/** Like {@link number}, but `"Infinity"` and `"-Infinity"` are read too, as protobuf writes doubles. */
export const double: Decoder<number> = (input, path, issues) => {
  if (input === 'Infinity') return Number.POSITIVE_INFINITY;
  if (input === '-Infinity') return Number.NEGATIVE_INFINITY;
  return number(input, path, issues);
};

/** A finite number; `"1.5"` is accepted as 1.5. */
export const number: Decoder<number> = (input, path, issues) => {
  const value = typeof input === 'string' && input.trim() !== '' ? Number(input) : input;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return issues.add(path, `is ${nameOf(input)}, not a number`);
};

export const boolean: Decoder<boolean> = (input, path, issues) => {
  if (typeof input === 'boolean') return input;
  if (input === 'true') return true;
  if (input === 'false') return false;
  return issues.add(path, `is ${nameOf(input)}, not true or false`);
};

/** Any JSON value, nulls removed, at most 64 levels deep. */
export const anything: Decoder<unknown> = (input, path, issues) =>
  withoutNulls(input, path, issues, 0);

/** A list of at most `limit` entries, 10,000 where none is named; a longer one is not looked into. */
export const listOf =
  <Value>(decode: Decoder<Value>, limit?: number): Decoder<readonly Value[]> =>
  (input, path, issues) => {
    if (!Array.isArray(input)) return issues.add(path, `is ${nameOf(input)}, not a list`);
    const most = limit ?? defaultLimit(issues);
    if (input.length > most) {
      return issues.add(path, `has ${input.length} entries; at most ${most} are allowed`);
    }
    const values: Value[] = [];
    for (let index = 0; index < input.length; index += 1) {
      const value = decode(input[index], issues.pathOf(path, index), issues);
      if (value !== undefined) values.push(value);
    }
    return values;
  };

export const mapOf =
  <Value>(decode: Decoder<Value>): Decoder<Readonly<Record<string, Value>>> =>
  (input, path, issues) => {
    if (!isRecord(input)) return issues.add(path, `is ${nameOf(input)}, not an object`);
    const values: [string, Value][] = [];
    const entries = Object.entries(input);
    const most = defaultLimit(issues);
    if (entries.length > most) {
      return issues.add(path, `has ${entries.length} entries; at most ${most} are allowed`);
    }
    for (const [key, item] of entries) {
      if (item === null || item === undefined) continue;
      const value = decode(item, issues.pathOf(path, key), issues);
      if (value !== undefined) values.push([key, value]);
    }
    return Object.fromEntries(values);
  };

/** A name of a closed set. */
export const oneOf =
  <Name extends string>(...names: readonly Name[]): Decoder<Name> =>
  (input, path, issues) => {
    const found = names.find((name) => name === input);
    return found ?? issues.add(path, `is ${nameOf(input)}, not one of ${names.join(', ')}`);
  };

/** Like {@link oneOf}; a name we do not know counts as absent, as protobuf does for optional enums. */
export const knownOneOf =
  <Name extends string>(...names: readonly Name[]): Decoder<Name> =>
  (input) =>
    names.find((name) => name === input);

export const isRecord = (input: unknown): input is Readonly<Record<string, unknown>> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

function messageDecoder<Message>(
  fields: FieldDecoders<Message>,
  options: { readonly keepUnknown: boolean },
): Decoder<Message> {
  const entries: readonly (readonly [string, OptionalField<unknown> | RequiredField<unknown>])[] =
    Object.entries(fields);
  const known = new Set(entries.map(([name]) => name));
  return (input, path, issues) => {
    if (!isRecord(input)) return issues.add(path, `is ${nameOf(input)}, not an object`);
    const message: Record<string, unknown> = {};
    let complete = true;
    for (const [name, field] of entries) {
      const raw = input[name];
      const fieldPath = issues.pathOf(path, name);
      if (raw === null || raw === undefined) {
        if (field.presence === 'required' && field.fallback !== undefined) {
          message[name] = field.fallback;
        } else if (field.presence === 'required') {
          issues.add(fieldPath, 'is required');
          complete = false;
        }
        continue;
      }
      const value = field.decode(raw, fieldPath, issues);
      if (value !== undefined) message[name] = value;
      else if (field.presence === 'required') complete = false;
    }
    if (options.keepUnknown) {
      for (const name of Object.keys(input)) {
        const raw = input[name];
        if (known.has(name) || name === '__proto__' || raw === null) continue;
        message[name] = withoutNulls(raw, issues.pathOf(path, name), issues, 0);
      }
    }
    // The field decoders are typed by Message, so the record has its shape once complete.
    return complete ? (message as Message) : undefined;
  };
}

function withoutNulls(input: unknown, path: string, issues: Issues, depth: number): unknown {
  if (depth > MAX_DEPTH) return issues.add(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(input)) {
    return input
      .filter((item) => item !== null)
      .map((item) => withoutNulls(item, path, issues, depth + 1));
  }
  if (!isRecord(input)) return input ?? undefined;
  return Object.fromEntries(
    Object.entries(input)
      .filter(([name, item]) => item !== null && name !== '__proto__')
      .map(([name, item]) => [name, withoutNulls(item, path, issues, depth + 1)]),
  );
}

const defaultLimit = (issues: Issues): number =>
  issues.isBounded ? CALL_LIMITS.entries : Number.POSITIVE_INFINITY;

function wholeWithin(
  input: unknown,
  max: number,
  path: string,
  issues: Issues,
): number | undefined {
  const value = number(input, path, issues);
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= max)) return value;
  return issues.add(path, `is ${value}, not a whole number from 0 to ${max}`);
}

const addTooLong = (value: string, limit: number, path: string, issues: Issues): undefined =>
  issues.add(path, `has ${value.length} characters; at most ${limit} are allowed`);

/** What was found, short, for a message. */
export function nameOf(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'string') return JSON.stringify(input.slice(0, MAX_ECHO));
  if (typeof input === 'object') return 'an object';
  return String(input);
}
