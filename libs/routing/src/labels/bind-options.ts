import { lex } from 'haproxy-config-parser';
import { type LabelReader, shown } from './label-reader.js';

const MAX_BIND_OPTIONS = 40;

/** Words of a bind line (HAProxy 2.6 and later) that concern how one port is listened on, by the number of their arguments. */
const ARGUMENTS: ReadonlyMap<string, number> = new Map([
  ...[
    ...['accept-proxy', 'allow-0rtt', 'defer-accept', 'force-tlsv12', 'force-tlsv13'],
    ...['generate-certificates', 'no-alpn', 'no-ca-names', 'no-tls-tickets', 'no-tlsv10'],
    ...['no-tlsv11', 'no-tlsv12', 'no-tlsv13', 'prefer-client-ciphers', 'ssl', 'strict-sni'],
    ...['tfo', 'transparent', 'v4v6', 'v6only'],
  ].map((word): [string, number] => [word, 0]),
  ...[
    ...['alpn', 'backlog', 'ca-file', 'ca-ignore-err', 'ca-verify-file', 'ciphers', 'ciphersuites'],
    ...['crl-file', 'crt', 'crt-ignore-err', 'crt-list', 'curves', 'ecdhe', 'id', 'interface'],
    ...['maxconn', 'mss', 'name', 'namespace', 'nice', 'npn', 'proto', 'shards', 'ssl-max-ver'],
    ...['ssl-min-ver', 'tcp-ut', 'thread', 'tls-ticket-keys', 'verify'],
  ].map((word): [string, number] => [word, 1]),
]);

/** Reads HAPROXY_{n}_BIND_OPTIONS: known words with their arguments, all of them or none. */
export function readBindOptions(reader: LabelReader): readonly string[] {
  const text = reader.raw('BIND_OPTIONS');
  if (text === undefined || text.trim() === '') return [];
  const { values, diagnostics } = lex(text.replaceAll('\n', ' '));
  const problem = diagnostics[0]?.message ?? findProblem(values);
  if (problem === undefined) return values;
  reader.refuse('BIND_OPTIONS', `${shown(text)}: ${problem}; none of it is used`);
  return [];
}

function findProblem(words: readonly string[]): string | undefined {
  if (words.length > MAX_BIND_OPTIONS) return `more than ${MAX_BIND_OPTIONS} words`;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const count = ARGUMENTS.get(word);
    if (count === undefined)
      return `${shown(word)} is not a word of a bind line that an app may use`;
    at += count;
    if (at >= words.length) return `${word} needs an argument`;
  }
  return undefined;
}
