import { createHash, timingSafeEqual } from 'node:crypto';
import { ConfigError, readConfig, text } from './read-config.js';
import { readSecretFile } from './secret-file.js';

/** What a principal may act as. Operators use the APIs people and tools use; there is nothing above them. */
export const PRINCIPAL_KINDS = ['framework', 'agent', 'operator'] as const;
export type PrincipalKind = (typeof PRINCIPAL_KINDS)[number];

/** What an operator may do: look, or change things too. */
export const ROLES = ['read', 'full'] as const;
export type Role = (typeof ROLES)[number];

/** Who may come in, by HTTP Basic, or with the secret alone as a bearer token. */
export interface Credential {
  readonly principal: string;
  readonly secret: string;
  readonly kinds: ReadonlySet<PrincipalKind>;
  /** Absent: full. */
  readonly role?: Role;
}

/** Who it is that came in. */
export type Identity = Pick<Credential, 'principal' | 'kinds' | 'role'>;

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_CREDENTIALS = 1_000;
const MAX_TEXT_LENGTH = 255;
const ALL_KINDS: ReadonlySet<PrincipalKind> = new Set(PRINCIPAL_KINDS);
/** A secret like this may be sent as a bearer token (RFC 6750): without a name beside it, it must be hard to guess. */
const BEARER_SECRET = /^[A-Za-z0-9._~+/-]{16,}=*$/;
const CONTROL = /\p{Cc}/u;

/** The three settings, from flags and the environment. */
export function readCredentialSettings(): Environment {
  return readConfig({
    PACER_CREDENTIALS_FILE: text('PACER_CREDENTIALS_FILE', ''),
    PACER_CREDENTIAL_FILE: text('PACER_CREDENTIAL_FILE', ''),
    PACER_CREDENTIALS: text('PACER_CREDENTIALS', ''),
  });
}

/**
 * Whom this process lets in: `PACER_CREDENTIALS_FILE`, and `PACER_CREDENTIALS` (`principal:secret`, of all kinds). Empty:
 * nobody is asked. Throws {@link ConfigError}, which never holds a secret.
 */
export function readAcceptedCredentials(environment: Environment): readonly Credential[] {
  const { PACER_CREDENTIALS_FILE: file, PACER_CREDENTIALS: single } = environment;
  const all = [
    ...(single ? [parseSingle(single)] : []),
    ...(file ? readCredentialsFile('PACER_CREDENTIALS_FILE', file) : []),
  ];
  const twice = all.find(({ principal }, index) =>
    all.slice(0, index).some((other) => other.principal === principal),
  );
  if (twice !== undefined) {
    throw new ConfigError(
      `PACER_CREDENTIALS_FILE: principal ${quote(twice.principal)} is there twice`,
    );
  }
  return all;
}

/**
 * As whom this process speaks to others when it acts as `kind`: the first that may, of `PACER_CREDENTIAL_FILE`, else of
 * `PACER_CREDENTIALS_FILE`, else `PACER_CREDENTIALS`. Undefined: it has no credentials. Throws {@link ConfigError} when it
 * has some and none may act so and change things.
 */
export function findOwnCredential(
  kind: PrincipalKind,
  environment: Environment = readCredentialSettings(),
): Credential | undefined {
  const { PACER_CREDENTIALS: single } = environment;
  for (const variable of ['PACER_CREDENTIAL_FILE', 'PACER_CREDENTIALS_FILE'] as const) {
    const file = environment[variable];
    if (!file) continue;
    const found = readCredentialsFile(variable, file).find(
      ({ kinds, role }) => kinds.has(kind) && role !== 'read',
    );
    if (found !== undefined) return found;
    if (single && variable === 'PACER_CREDENTIALS_FILE') break;
    throw new ConfigError(`${variable}: no principal in ${quote(file)} may act as ${kind}`);
  }
  return single ? parseSingle(single) : undefined;
}

/**
 * For who starts all daemons of a cluster with one environment: each must be able to speak to the others. Returns whom they
 * let in. Throws {@link ConfigError} for a principal of our own that none of them would know.
 */
export function readClusterCredentials(environment: Environment): readonly Credential[] {
  const accepted = readAcceptedCredentials(environment);
  const authenticate = createAuthenticator(accepted);
  for (const kind of accepted.length === 0 ? [] : PRINCIPAL_KINDS) {
    const own = findOwnCredential(kind, environment);
    if (own === undefined) continue;
    const known = authenticate(basicAuthorization(own)['authorization']);
    if (known?.kinds.has(kind) && known.role !== 'read') continue;
    throw new ConfigError(
      `PACER_CREDENTIAL_FILE: ${quote(own.principal)} is to act as ${kind}, but PACER_CREDENTIALS_FILE does not let it in as that`,
    );
  }
  return accepted;
}

/**
 * Reads a file of credentials, as Mesos has them: JSON `{"credentials": [{"principal", "secret", "kinds", "role"}]}`, or a
 * line `principal secret kinds role` each. `kinds`, in lines separated by commas, and `role` are ours; absent: all, and
 * full. Who may only read is an operator.
 */
export function parseCredentials(text: string): readonly Credential[] {
  const all = text.trimStart().startsWith('{') ? parseJson(text) : parseLines(text);
  if (all.length === 0) throw new Error('holds no credentials');
  if (all.length > MAX_CREDENTIALS) {
    throw new Error(`holds ${all.length} credentials, the limit is ${MAX_CREDENTIALS}`);
  }
  return all;
}

/**
 * Tells who sent an `authorization` header, Basic or Bearer. As a bearer token a secret of at least 16 characters will do
 * that is nobody else's too. The time it takes says nothing about principals or secrets.
 */
export function createAuthenticator(
  credentials: readonly Credential[],
): (authorization: string | undefined) => Identity | undefined {
  const toKnown = (text: string, { principal, kinds, role }: Credential): Known => ({
    identity: { principal, kinds, ...(role === undefined ? {} : { role }) },
    digest: digestOf(text),
  });
  const owners = new Map<string, number>();
  for (const { secret } of credentials) owners.set(secret, (owners.get(secret) ?? 0) + 1);
  const passwords = credentials.map((one) => toKnown(`${one.principal}:${one.secret}`, one));
  const tokens = credentials
    .filter(({ secret }) => BEARER_SECRET.test(secret) && owners.get(secret) === 1)
    .map((one) => toKnown(one.secret, one));
  return (authorization = '') => {
    const [, token] = /^Bearer +([^ ]+) *$/i.exec(authorization) ?? [];
    if (token !== undefined) return findKnown(tokens, digestOf(token));
    const [, encoded = ''] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization) ?? [];
    return findKnown(passwords, digestOf(Buffer.from(encoded, 'base64')));
  };
}

interface Known {
  readonly identity: Identity;
  readonly digest: Buffer;
}

function findKnown(all: readonly Known[], given: Buffer): Identity | undefined {
  let found: Identity | undefined;
  // All of them, always: stopping at the right one would tell where it is.
  for (const { identity, digest } of all) if (timingSafeEqual(given, digest)) found = identity;
  return found;
}

/** The header a client of ours sends when it acts as `kind`; none without credentials. */
export function authorizationHeader(
  kind: PrincipalKind,
  environment: Environment = readCredentialSettings(),
): Readonly<Record<string, string>> {
  const own = findOwnCredential(kind, environment);
  return own === undefined ? {} : basicAuthorization(own);
}

/** The header of HTTP Basic. */
export const basicAuthorization = ({
  principal,
  secret,
}: Pick<Credential, 'principal' | 'secret'>): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${principal}:${secret}`).toString('base64')}`,
});

function readCredentialsFile(variable: string, path: string): readonly Credential[] {
  try {
    return parseCredentials(readSecretFile(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${variable}: ${quote(path)} ${reason}`);
  }
}

/** `principal:secret`; a secret may hold colons. */
function parseSingle(text: string): Credential {
  const at = text.indexOf(':');
  if (at < 1) throw new ConfigError('PACER_CREDENTIALS is not principal:secret');
  try {
    return checked({ principal: text.slice(0, at), secret: text.slice(at + 1) });
  } catch (error) {
    throw new ConfigError(`PACER_CREDENTIALS: ${error instanceof Error ? error.message : error}`);
  }
}

function parseLines(text: string): readonly Credential[] {
  return text.split('\n').flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const [principal = '', secret = '', third, ...rest] = line.split(/\s+/);
    // The role may stand where the kinds would.
    const [kinds, role, ...more] = isRole(third) ? [undefined, third, ...rest] : [third, ...rest];
    try {
      if (more.length > 0 || (role !== undefined && !isRole(role))) {
        throw new Error(`has more than principal, secret, kinds and role (${ROLES.join(', ')})`);
      }
      return [checked({ principal, secret, kinds: kinds?.split(','), role })];
    } catch (error) {
      throw new Error(`line ${index + 1}: ${error instanceof Error ? error.message : error}`);
    }
  });
}

function parseJson(text: string): readonly Credential[] {
  const { credentials } = parseObject(text);
  if (!Array.isArray(credentials)) throw new Error('has no list "credentials"');
  return credentials.map((one: unknown, index) => {
    const { principal, secret, kinds, role, ...rest } = (one ?? {}) as Readonly<
      Record<string, unknown>
    >;
    try {
      // A misspelt "kinds" would let its principal do everything.
      const [unknown] = Object.keys(rest);
      if (unknown !== undefined) throw new Error(`has an unknown member ${quote(unknown)}`);
      if (typeof principal !== 'string' || typeof secret !== 'string') {
        throw new Error('principal and secret must be texts');
      }
      if (kinds !== undefined && !Array.isArray(kinds)) throw new Error('kinds must be a list');
      if (role !== undefined && !isRole(role)) {
        throw new Error(`the role of ${quote(principal)} must be one of ${ROLES.join(', ')}`);
      }
      return checked({ principal, secret, kinds: kinds?.map(String), role });
    } catch (error) {
      throw new Error(`credentials[${index}]: ${error instanceof Error ? error.message : error}`);
    }
  });
}

/** The parser's own message would quote the text, secrets included. */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    throw new Error('is no JSON');
  }
}

function checked(written: {
  readonly principal: string;
  readonly secret: string;
  readonly kinds?: readonly string[] | undefined;
  readonly role?: Role | undefined;
}): Credential {
  const { principal, secret, kinds, role } = written;
  toPrincipal(principal);
  if (secret === '' || CONTROL.test(secret)) {
    throw new Error(`the secret of ${quote(principal)} is empty or holds a control character`);
  }
  if (secret.length > MAX_TEXT_LENGTH) {
    throw new Error(
      `the secret of ${quote(principal)} is longer than ${MAX_TEXT_LENGTH} characters`,
    );
  }
  const unknown = kinds?.find((kind) => !(PRINCIPAL_KINDS as readonly string[]).includes(kind));
  if (unknown !== undefined || kinds?.length === 0) {
    throw new Error(
      `principal ${quote(principal)} may be ${quote(unknown ?? '')}, which is none of ${PRINCIPAL_KINDS.join(', ')}`,
    );
  }
  if (role === 'read') {
    if (kinds?.some((kind) => kind !== 'operator')) {
      throw new Error(`principal ${quote(principal)} with the role read may be an operator only`);
    }
    return { principal, secret, kinds: new Set(['operator']), role };
  }
  return {
    principal,
    secret,
    kinds: kinds === undefined ? ALL_KINDS : new Set(kinds as readonly PrincipalKind[]),
  };
}

const isRole = (text: unknown): text is Role => (ROLES as readonly unknown[]).includes(text);

/** A name somebody is known by. Throws saying what a name may not be. */
export function toPrincipal(name: string): string {
  if (name === '' || name.includes(':') || CONTROL.test(name)) {
    throw new Error(`principal ${quote(name)} is empty, or holds a colon or control character`);
  }
  if (name.length > MAX_TEXT_LENGTH) {
    throw new Error(`principal ${quote(name)} is longer than ${MAX_TEXT_LENGTH} characters`);
  }
  return name;
}

const digestOf = (text: string | Buffer): Buffer => createHash('sha256').update(text).digest();

const quote = (text: string): string => JSON.stringify(text);
