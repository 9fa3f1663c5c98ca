// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/haproxy-config');

/** Pieces that mean something to the lexer, so that random texts reach its corners. */
export const lexPieces = fc.oneof(
  fc.constantFrom(
    'backend b\n',
    '    server s 10.0.0.1:80',
    'no option',
    '.if 1\n',
    '.endif\n',
    '[a]',
  ),
  fc.constantFrom(
    ' ',
    '  ',
    '\t',
    '\v',
    '\n',
    '\n',
    '\r',
    '\r\n',
    '"',
    "'",
    '\\',
    '#',
    'a',
    'é',
    '𝄞',
  ),
  fc.constantFrom('$FOO', '"$FOO"', '"${FOO}x"', '"${NO-d e}"', '"${FOO[*]}"', '"${FOO[', '$', '}'),
  fc.constantFrom(
    '\\x41',
    '\\xe9',
    '\\x4',
    '\\x00',
    '\\n',
    '\\ ',
    '\\#',
    '\\$',
    '\\"',
    '\\1',
    '\0',
  ),
  fc.constantFrom('w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w ', 'w '),
);

/** Lines HAProxy 2.6 accepts, by the section they belong to; `proxy` lines suit a `listen`. */
export function readKeywordLines(): ReadonlyMap<string, readonly string[]> {
  const lines = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of readFileSync(join(FIXTURES, 'keyword-lines.txt'), 'utf8').split('\n')) {
    if (line.startsWith('@')) {
      current = [];
      lines.set(line.slice(1), current);
    } else if (line !== '') current.push(line);
  }
  return lines;
}

/** What the proxies of a random file refer to. */
const SUPPORT = `
backend b
    mode http
userlist users
    user a insecure-password b
resolvers dns
    nameserver a 127.0.0.1:53
http-errors errs
    errorfile 503 /dev/null
cache c
    total-max-size 4
`;

/** Configurations of one to four sections with random lines that HAProxy knows; most are accepted, and some clash. */
export function configurations(): fc.Arbitrary<string> {
  const lines = readKeywordLines();
  const some = (kind: string, maxLength: number) =>
    fc.uniqueArray(fc.constantFrom(...(lines.get(kind) ?? [])), { maxLength });
  const layout = fc.record({
    indent: fc.constantFrom('', ' ', '\t', '    '),
    gap: fc.constantFrom(' ', '  ', '\t'),
    comment: fc.constantFrom('', '', ' # note', '\t#"quoted'),
    eol: fc.constantFrom('\n', '\n', '\r\n'),
  });
  const section = (kind: string, header: string, more: string): fc.Arbitrary<string> =>
    fc.tuple(some(kind, 4), layout).map(([body, { indent, gap, comment, eol }]) =>
      [header + comment, ...body.map((line) => indent + widen(line, gap)), more]
        .filter((line) => line !== '')
        .map((line) => line + eol)
        .join(''),
    );
  const plain = [...lines.keys()].filter((kind) => !['global', 'proxy', 'frontend'].includes(kind));
  const needs: Readonly<Record<string, string>> = {
    cache: ' total-max-size 4',
    'fcgi-app': ' docroot /x',
  };
  const conditional = fc.constantFrom('', '.if 1\n', '.if 0\n', '.if defined(FOO)\n');
  return fc
    .tuple(
      section('global', 'global', ''),
      section('frontend', 'frontend  f', ' default_backend b'),
      section('proxy', '"listen" l', ' bind 127.0.0.1:18099'),
      fc.oneof(...plain.map((kind) => section(kind, `${kind} n`, needs[kind] ?? ''))),
      conditional,
    )
    .map(([global, frontend, listen, other, condition]) =>
      [
        global,
        'defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n',
        condition,
        frontend,
        condition === '' ? '' : '.else\n',
        listen,
        condition === '' ? '' : '.endif\n',
        other,
        SUPPORT,
      ].join(''),
    );
}

/** Widens the spaces of a line that are outside of quotes and escapes. */
function widen(line: string, gap: string): string {
  return /["'\\#]/.test(line) ? line : line.replaceAll(' ', gap);
}

/** A text with one to three small changes: pieces put in or taken out, a line doubled or removed. */
export function mutationsOf(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.record({
    kind: fc.constantFrom('insert', 'delete', 'double', 'drop', 'requote'),
    at: fc.nat(),
    piece: lexPieces,
    length: fc.integer({ min: 1, max: 4 }),
  });
  return fc
    .tuple(texts, fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([text, changes]) => {
      let result = text;
      for (const { kind, at, piece, length } of changes) {
        const place = at % (result.length + 1);
        const lines = result.split('\n');
        const index = at % lines.length;
        if (kind === 'insert') result = result.slice(0, place) + piece + result.slice(place);
        else if (kind === 'delete') result = result.slice(0, place) + result.slice(place + length);
        else if (kind === 'requote') {
          result = lines.with(index, requote(lines[index] ?? '', length)).join('\n');
        } else {
          const line = lines[index] ?? '';
          lines.splice(index, 1, ...(kind === 'double' ? [line, line] : []));
          result = lines.join('\n');
        }
      }
      return result;
    });
}

/** Quotes a word of a line otherwise: the meaning stays the same. */
function requote(line: string, wordIndex: number): string {
  const words = line.split(' ');
  const word = words[wordIndex] ?? '';
  return /^[\w.:/-]+$/.test(word)
    ? words.with(wordIndex, `"${word.slice(0, 1)}"${word.slice(1)}`).join(' ')
    : line;
}
