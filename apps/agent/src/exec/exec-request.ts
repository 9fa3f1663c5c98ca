import type { ExecRequest } from '#core';
import { ApiError } from '#platform';

/** What is asked for in the URL of a session. */
export interface ExecQuery {
  readonly request: ExecRequest;
  /** Absent input ends at once. */
  readonly hasInput: boolean;
}

const MAX_ARGUMENTS = 1_000;
export const MAX_TERMINAL_SIDE = 1_000;
const TERM = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$/;

type Values = Readonly<Record<string, unknown>>;

/**
 * Reads `command` (once for each argument), `stdin`, `tty`, `columns`, `rows` and `term`. Throws a 400 naming the
 * parameter, its value and the limit.
 */
export function readExecQuery(query: Values): ExecQuery {
  const argv = [query['command'] ?? []].flat();
  if (argv.length === 0 || argv[0] === '') {
    throw new ApiError(400, 'Query parameter command is missing: one for each argument');
  }
  if (argv.length > MAX_ARGUMENTS) {
    throw new ApiError(
      400,
      `Query parameter command is given ${argv.length} times, the limit is ${MAX_ARGUMENTS}`,
    );
  }
  const hasInput = readToggle(query, 'stdin');
  const request: ExecRequest = { argv: argv.map(String) };
  if (!readToggle(query, 'tty')) return { request, hasInput };
  const term = readOne(query, 'term') ?? 'xterm';
  if (!TERM.test(term)) {
    throw new ApiError(400, `Query parameter term ${JSON.stringify(term)} must match ${TERM}`);
  }
  const terminal = {
    columns: readSide(query, 'columns', 80),
    rows: readSide(query, 'rows', 24),
    term,
  };
  return { request: { ...request, terminal }, hasInput };
}

/** Columns or rows of a terminal. */
export const isTerminalSide = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TERMINAL_SIDE;

function readSide(query: Values, name: string, fallback: number): number {
  const text = readOne(query, name);
  if (text === undefined) return fallback;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (isTerminalSide(value)) return value;
  throw new ApiError(
    400,
    `Query parameter ${name} ${JSON.stringify(text)} must be a whole number from 1 to ${MAX_TERMINAL_SIDE}`,
  );
}

function readToggle(query: Values, name: string): boolean {
  const text = readOne(query, name) ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw new ApiError(400, `Query parameter ${name} ${JSON.stringify(text)} must be true or false`);
}

function readOne(query: Values, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new ApiError(400, `Query parameter ${name} is given more than once`);
}
