export interface JsonToken {
  readonly kind: 'key' | 'string' | 'number' | 'word' | 'other';
  readonly text: string;
}

const TOKEN =
  /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

/** Splits JSON text into what is coloured alike. Joined again, the tokens are the text. */
export function tokenizeJson(text: string): JsonToken[] {
  const tokens: JsonToken[] = [];
  let position = 0;
  const add = (kind: JsonToken['kind'], part: string) => {
    if (part !== '') {
      tokens.push({ kind, text: part });
    }
  };
  for (const match of text.matchAll(TOKEN)) {
    add('other', text.slice(position, match.index));
    const [whole, quoted, colon, number] = match;
    if (quoted !== undefined) {
      add(colon === undefined ? 'string' : 'key', quoted);
      add('other', colon ?? '');
    } else {
      add(number === undefined ? 'word' : 'number', whole);
    }
    position = match.index + whole.length;
  }
  add('other', text.slice(position));
  return tokens;
}
