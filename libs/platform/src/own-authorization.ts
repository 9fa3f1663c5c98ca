import { authorizationHeader, type PrincipalKind } from './credentials.js';

type Headers = Readonly<Record<string, string>>;

/**
 * The header a client of ours sends when it acts as `kind`, read at each call, so that the credential can be replaced while
 * the client runs. A file that cannot be used any more is told once, and the former credential kept. Throws
 * {@link ConfigError} at first.
 */
export function ownAuthorization(
  kind: PrincipalKind,
  log: (level: 'info' | 'warn', message: string) => void,
): () => Headers {
  let headers = authorizationHeader(kind);
  let told = '';
  return () => {
    try {
      headers = authorizationHeader(kind);
      told = '';
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told) log('warn', `the former credential goes on: ${reason}`);
      told = reason;
    }
    return headers;
  };
}
