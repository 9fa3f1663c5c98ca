import type { Parsed } from '#mesos-v1';
import { ApiError } from '#platform';

/** The message, or 501 for a type we do not know and 400 with every issue for a bad one. */
export function parsedOrThrow<Message>(parsed: Parsed<Message>, name: string): Message {
  switch (parsed.kind) {
    case 'parsed':
      return parsed.value;
    case 'unknown-type':
      throw new ApiError(501, `The ${name} ${parsed.type.slice(0, 100)} is not implemented`);
    case 'invalid':
      throw new ApiError(
        400,
        `Failed to validate ${name}: ${parsed.issues.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
        { details: parsed.issues.map(({ path, message }) => ({ path, errors: [message] })) },
      );
    default:
      return parsed satisfies never;
  }
}
