import { type DecodeIssue, type Decoder, Issues, isRecord } from './decode.js';

/** A parsed message, or why not: `unknown-type` is answered 501, `invalid` 400. */
export type Parsed<Message> =
  | { readonly kind: 'parsed'; readonly value: Message }
  | { readonly kind: 'unknown-type'; readonly type: string }
  | { readonly kind: 'invalid'; readonly issues: readonly DecodeIssue[] };

/** `type` picks the decoder; shared by the parsers of all our unions. */
export function parseTagged<Message>(
  input: unknown,
  decoders: Readonly<Record<string, Decoder<Message>>>,
): Parsed<Message> {
  const issues = new Issues();
  if (!isRecord(input)) {
    issues.add('', 'the body is not a JSON object');
    return { kind: 'invalid', issues: issues.list };
  }
  const type = input['type'];
  if (typeof type !== 'string') {
    issues.add('type', 'is required');
    return { kind: 'invalid', issues: issues.list };
  }
  const decode = Object.hasOwn(decoders, type) ? decoders[type] : undefined;
  if (decode === undefined) return { kind: 'unknown-type', type };
  const value = decode(input, '', issues);
  return value !== undefined && issues.list.length === 0
    ? { kind: 'parsed', value }
    : { kind: 'invalid', issues: issues.list };
}

/** The tag itself, known to be right when the decoder of that tag runs. */
export const tag = <Name extends string>(name: Name): Decoder<Name> => {
  return (input, path, issues) =>
    input === name ? name : issues.add(path, `is ${String(input)}, not ${name}`);
};
