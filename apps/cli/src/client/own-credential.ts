import { readFileSync } from 'node:fs';

/**
 * The header that says who we are: `PACER_TOKEN`; else the first who may act as operator of `PACER_CREDENTIAL_FILE` or, on a
 * machine of the cluster, `PACER_CREDENTIALS_FILE`, one who may change things before one who may only look; else
 * `PACER_CREDENTIALS` (`principal:secret`). Nothing without any of them. Throws saying which file cannot be used, never
 * what is in it.
 */
export function authorizationHeader(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const { PACER_CREDENTIALS: single, PACER_TOKEN: token } = environment;
  if (token) return { authorization: `Bearer ${checkedToken(token)}` };
  const variable = ['PACER_CREDENTIAL_FILE', 'PACER_CREDENTIALS_FILE'].find(
    (name) => environment[name],
  );
  const own = variable === undefined ? single : readFile(variable, environment[variable] ?? '');
  if (own === undefined || own === '') return {};
  return { authorization: `Basic ${Buffer.from(own).toString('base64')}` };
}

/** A header with a line break in it would be another header. */
function checkedToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Error('PACER_TOKEN holds blanks or other characters no token has');
}

/** As `principal:secret`. */
function readFile(variable: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${variable}: ${error instanceof Error ? error.message : error}`);
  }
  const entries = text.trimStart().startsWith('{') ? fromJson(variable, text) : fromLines(text);
  const operators = entries.filter(
    ({ kinds }) => kinds === undefined || kinds.includes('operator'),
  );
  const operator = operators.find(({ role }) => role !== 'read') ?? operators[0];
  if (operator === undefined) {
    throw new Error(`${variable}: no principal in ${path} may act as operator`);
  }
  return `${operator.principal}:${operator.secret}`;
}

interface Entry {
  readonly principal: string;
  readonly secret: string;
  readonly kinds?: readonly string[] | undefined;
  readonly role?: string | undefined;
}

const fromLines = (text: string): readonly Entry[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [principal = '', secret = '', third, role] = line.split(/\s+/);
      // The role may stand where the kinds would.
      return third === 'read' || third === 'full'
        ? { principal, secret, role: third }
        : { principal, secret, kinds: third?.split(','), role };
    });

function fromJson(variable: string, text: string): readonly Entry[] {
  try {
    const { credentials } = JSON.parse(text) as { readonly credentials: readonly Entry[] };
    return [...credentials];
  } catch {
    throw new Error(`${variable}: the file is no JSON with a list "credentials"`);
  }
}
