import { ApiError } from './api-error.js';

/** What reading a call came to. */
export type ParsedCall<Message> =
  | { readonly kind: 'parsed'; readonly value: Message }
  | { readonly kind: 'unknown-type'; readonly type: string }
  | {
      readonly kind: 'invalid';
      readonly issues: readonly { readonly path: string; readonly message: string }[];
    };

/**
 * What fields of a call are called where the request has another form: by the beginning of their path, the empty name
 * being the body itself.
 */
export type FieldNames = Readonly<Record<string, string>>;

/** The message, or 501 for a type we do not know and 400 with every issue for a bad one. */
export function parsedOrThrow<Message>(
  parsed: ParsedCall<Message>,
  name: string,
  names: FieldNames = {},
): Message {
  switch (parsed.kind) {
    case 'parsed':
      return parsed.value;
    case 'unknown-type':
      throw new ApiError(501, `The ${name} ${parsed.type.slice(0, 100)} is not implemented`);
    case 'invalid': {
      const issues = parsed.issues.map(({ path, message }) => ({
        path: rename(path, names),
        message,
      }));
      throw new ApiError(
        400,
        `Failed to validate ${name}: ${issues.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
        { details: issues.map(({ path, message }) => ({ path, errors: [message] })) },
      );
    }
    default:
      return parsed satisfies never;
  }
}

function rename(path: string, names: FieldNames): string {
  for (const [from, to] of Object.entries(names)) {
    const rest = path.slice(from.length);
    const isBelow = rest === '' || rest.startsWith('.') || rest.startsWith('[');
    if (!path.startsWith(from) || !isBelow) continue;
    return to === '' && rest.startsWith('.') ? rest.slice(1) : `${to === '' ? 'body' : to}${rest}`;
  }
  return path;
}
