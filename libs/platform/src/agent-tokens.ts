import { createHash, timingSafeEqual } from 'node:crypto';
import { type Identity, toPrincipal } from './credentials.js';
import { FileWatch } from './file-watch.js';
import { ConfigError, readConfig, text } from './read-config.js';
import { readSecretFile } from './secret-file.js';

/** What a bearer token may hold (RFC 6750), in a length nobody guesses. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;
const MAX_TOKENS = 1_000;
const DEFAULT_PRINCIPAL = 'agent';

interface Token {
  readonly principal: string;
  readonly token: string;
}

type Log = (level: 'info' | 'warn', message: string) => void;

/** The tokens agents may join with: `PACER_AGENT_TOKENS_FILE`, read again when it changes. */
export class AgentTokens {
  private known: readonly { readonly identity: Identity; readonly digest: Buffer }[];
  private readonly watch: FileWatch;

  /** Throws {@link ConfigError} for a file that cannot be used. */
  constructor(
    private readonly path: string,
    private readonly log: Log,
  ) {
    this.known = this.read();
    this.watch = new FileWatch([path], () => this.reload());
  }

  /** Whose token an `authorization` header holds. The time it takes says nothing about tokens. */
  identify(authorization: string | undefined): Identity | undefined {
    const [, token = ''] = BEARER.exec(authorization ?? '') ?? [];
    const given = digestOf(token);
    let found: Identity | undefined;
    // All of them, always: stopping at the right one would tell where it is.
    for (const { identity, digest } of this.known) {
      if (timingSafeEqual(given, digest)) found = identity;
    }
    return found;
  }

  close(): void {
    this.watch.close();
  }

  private read() {
    return readTokens('PACER_AGENT_TOKENS_FILE', this.path).map(({ principal, token }) => ({
      identity: { principal, kinds: new Set(['agent'] as const) },
      digest: digestOf(token),
    }));
  }

  private reload(): void {
    try {
      this.known = this.read();
      this.log('info', `the tokens of agents have changed: ${this.known.length} are accepted`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.log('warn', `the tokens of agents have changed, but the former go on: ${reason}`);
    }
  }
}

const BEARER = /^Bearer +([^ ]+) *$/i;

/** Whether a header is meant as a token, right or wrong. */
export const isBearer = (authorization: string | undefined): boolean =>
  /^Bearer /i.test(authorization ?? '');

/** The tokens of `PACER_AGENT_TOKENS_FILE`; undefined when it is not set. Throws {@link ConfigError}. */
export function openAgentTokens(log: Log): AgentTokens | undefined {
  const { path } = readConfig({ path: text('PACER_AGENT_TOKENS_FILE', '') });
  return path === '' ? undefined : new AgentTokens(path, log);
}

/**
 * As whom an agent joins: by the first token of `PACER_AGENT_TOKEN_FILE`, read at each call, so that it can be replaced
 * while the agent runs; undefined when it is not set. A file that cannot be read any more is told, and the former token kept.
 * Throws {@link ConfigError} at first.
 */
export function ownAgentToken(log: Log): (() => Readonly<Record<string, string>>) | undefined {
  const { path } = readConfig({ path: text('PACER_AGENT_TOKEN_FILE', '') });
  if (path === '') return undefined;
  const read = () => readTokens('PACER_AGENT_TOKEN_FILE', path)[0]?.token ?? '';
  let token = read();
  return () => {
    try {
      token = read();
    } catch (error) {
      log('warn', `the former token goes on: ${(error as Error).message}`);
    }
    return { authorization: `Bearer ${token}` };
  };
}

/** For who starts a whole cluster: its agents must be able to join. Throws {@link ConfigError}. */
export function checkClusterTokens(
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const { PACER_AGENT_TOKENS_FILE: accepted, PACER_AGENT_TOKEN_FILE: own } = environment;
  if (!accepted || !own) return;
  const [first] = readTokens('PACER_AGENT_TOKEN_FILE', own);
  const known = readTokens('PACER_AGENT_TOKENS_FILE', accepted);
  if (known.some(({ token }) => token === first?.token)) return;
  throw new ConfigError(
    'PACER_AGENT_TOKEN_FILE: its first token is not in PACER_AGENT_TOKENS_FILE, so no agent could join',
  );
}

function readTokens(variable: string, path: string): readonly Token[] {
  try {
    return parseTokens(readSecretFile(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${variable}: ${JSON.stringify(path)} ${reason}`);
  }
}

/** Lines `token`, or `principal token`; blank ones and those that begin with # are skipped. Errors hold no token. */
export function parseTokens(content: string): readonly Token[] {
  const seen = new Set<string>();
  const tokens = content.split('\n').flatMap((raw, index): readonly Token[] => {
    const words = raw.trim().split(/\s+/);
    const where = `line ${index + 1}:`;
    if (words[0] === '' || words[0]?.startsWith('#')) return [];
    if (words.length > 2) throw new Error(`${where} has more than a principal and a token`);
    const token = words.at(-1) ?? '';
    if (!TOKEN.test(token)) {
      throw new Error(`${where} a token has 16 to 512 letters, digits and . _ ~ + / -`);
    }
    if (seen.has(token)) throw new Error(`${where} the token is there twice`);
    seen.add(token);
    const principal = words.length === 2 ? toPrincipal(words[0] ?? '') : DEFAULT_PRINCIPAL;
    return [{ principal, token }];
  });
  if (tokens.length === 0) throw new Error('holds no tokens');
  if (tokens.length > MAX_TOKENS) {
    throw new Error(`holds ${tokens.length} tokens, the limit is ${MAX_TOKENS}`);
  }
  return tokens;
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
