import { type DecodeIssue, type Decoder, Issues, isRecord, nameOf } from './decode.js';

/** A parsed message, or why not: `unknown-type` is answered 501, `invalid` 400. */
export type Parsed<Message> =
  | { readonly kind: 'parsed'; readonly value: Message }
  | { readonly kind: 'unknown-type'; readonly type: string }
  | { readonly kind: 'invalid'; readonly issues: readonly DecodeIssue[] };

/** Whether the limits of `call-limits.ts` apply: to what clients send, not to what a master does. */
export interface Strictness {
  readonly isBounded: boolean;
}

/** `type` picks the decoder; shared by the parsers of all our unions. */
export function parseTagged<Message>(
  input: unknown,
  decoders: Readonly<Record<string, Decoder<Message>>>,
  strictness: Strictness,
): Parsed<Message> {
  const type = isRecord(input) ? input['type'] : undefined;
  if (!isRecord(input) || typeof type !== 'string') {
    const message = isRecord(input) ? 'is required' : 'the body is not a JSON object';
    return { kind: 'invalid', issues: [{ path: isRecord(input) ? 'type' : '', message }] };
  }
  const decode = Object.hasOwn(decoders, type) ? decoders[type] : undefined;
  if (decode === undefined) return { kind: 'unknown-type', type };
  return parseWith(input, decode, strictness);
}

/** Reads one value; only when something is wrong it is read again, for the paths. */
export function parseWith<Message>(
  input: unknown,
  decode: Decoder<Message>,
  { isBounded }: Strictness,
): Exclude<Parsed<Message>, { readonly kind: 'unknown-type' }> {
  const quick = new Issues({ hasPaths: false, isBounded });
  const value = decode(input, '', quick);
  if (value !== undefined && quick.list.length === 0) return { kind: 'parsed', value };
  const issues = new Issues({ hasPaths: true, isBounded });
  decode(input, '', issues);
  return { kind: 'invalid', issues: issues.list };
}

/** The tag itself, known to be right when the decoder of that tag runs. */
export const tag = <Name extends string>(name: Name): Decoder<Name> => {
  return (input, path, issues) =>
    input === name ? name : issues.add(path, `is ${nameOf(input)}, not ${name}`);
};
