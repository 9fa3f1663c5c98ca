import { QueryFailedError } from 'typeorm';
import { FencedError, StoreRefusedError, StoreUnavailableError } from '#core';

/** Stable codes of connections that failed, from the operating system and from pg. */
const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
]);
/**
 * SQLSTATEs after which trying again may help: connection exceptions, shutdown, start-up, out of connections, disk or
 * memory, cancelled by a timeout, an idle transaction ended, a serialisation failure or deadlock, a read-only standby.
 */
const RETRYABLE_STATES =
  /^(?:08...|53...|57P0[1-5]|57014|25P0[34]|25006|40001|40P01|55P03|XX00[01])$/;
/** SQLSTATEs by which the database says that it will never take this: bad data, a broken constraint, too large a value. */
const REFUSED_STATES = /^(?:22|23|54)...$/;
/** What pg, and TypeORM once a connection broke, say without a code. */
const CONNECTION_MESSAGES =
  /connection terminated|connection error|timeout expired|timeout exceeded|query read timeout|not queryable|driver not connected|client was closed|query runner already released/i;

/** Turns what the driver throws into one of the errors of the ports; anything else comes back as it is. */
export function toStoreError(thrown: unknown): unknown {
  if (thrown instanceof FencedError || thrown instanceof StoreUnavailableError) return thrown;
  if (!(thrown instanceof Error)) return thrown;
  if (REFUSED_STATES.test(codeOf(thrown))) {
    return new StoreRefusedError(`the database refuses this: ${thrown.message}`, { cause: thrown });
  }
  if (!isAway(thrown)) return thrown;
  return new StoreUnavailableError(`the database cannot be used: ${describe(thrown)}`, {
    cause: thrown,
  });
}

/** A statement that failed: what the database says of it, and where. */
export class StatementError extends Error {
  override readonly name = 'StatementError';

  constructor(
    message: string,
    readonly about: Readonly<Record<StatementFact | 'query', string | undefined>>,
    /** The SQLSTATE, or what the operating system calls it. */
    readonly code: string,
  ) {
    super(message);
  }
}

const STATEMENT_FACTS = ['severity', 'schema', 'table', 'column', 'constraint'] as const;
type StatementFact = (typeof STATEMENT_FACTS)[number];
const MAX_QUERY_CHARS = 1_000;

/**
 * What TypeORM throws of a statement, without the values the statement was given: they hold private keys and secrets, and
 * errors are logged whole. The driver has them in its parameters, and in the detail and context of the server.
 */
export function withoutValues(thrown: unknown): unknown {
  if (!(thrown instanceof QueryFailedError)) return thrown;
  const facts = STATEMENT_FACTS.map((name) => [name, textOf(thrown, name)] as const);
  const about = Object.fromEntries<string | undefined>([
    ...facts.filter(([, value]) => value !== undefined),
    ['query', thrown.query.slice(0, MAX_QUERY_CHARS)],
  ]) as StatementError['about'];
  return new StatementError(thrown.message, about, codeOf(thrown));
}

const textOf = (error: object, name: string): string | undefined => {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
};

/** Runs `work` and rejects with {@link toStoreError} of what it throws. */
export async function mapErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toStoreError(error);
  }
}

function isAway(error: Error): boolean {
  const code = codeOf(error);
  if (NETWORK_CODES.has(code) || RETRYABLE_STATES.test(code)) return true;
  if (error instanceof AggregateError)
    return error.errors.some((one) => one instanceof Error && isAway(one));
  return CONNECTION_MESSAGES.test(error.message);
}

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

const describe = (error: Error): string => (error.message === '' ? codeOf(error) : error.message);
