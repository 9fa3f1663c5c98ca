import { accept, type Outcome, refuse } from './refusal.js';

/** Whether a set of labels is selected. */
export type LabelSelector = (labels: Readonly<Record<string, string>>) => boolean;

/** Longer selectors are refused. */
const MAX_SELECTOR_LENGTH = 4096;

/**
 * Parses Marathon's selector: terms joined by commas, all of which must hold: `key`, `key==v`, `key!=v`, `key in (a,b)`,
 * `key notin (a,b)`. Words hold `A-Za-z0-9._-`, anything else after a backslash. `!=` and `notin` need the key to exist.
 */
export function parseLabelSelector(text: string): Outcome<LabelSelector> {
  if (text.length > MAX_SELECTOR_LENGTH) {
    return refuseSelector(`is ${text.length} characters long, the limit is ${MAX_SELECTOR_LENGTH}`);
  }
  const scanner = new Scanner(text);
  const terms: LabelSelector[] = [];
  do {
    const term = readTerm(scanner);
    if (typeof term === 'string') return refuseSelector(term);
    terms.push(term);
  } while (scanner.skip(','));
  return scanner.isAtEnd
    ? accept((labels) => terms.every((term) => term(labels)))
    : refuseSelector(`',' expected at position ${scanner.position} of '${text}'`);
}

const refuseSelector = (reason: string): Outcome<never> =>
  refuse({ kind: 'bad-argument', message: `Parse error: label selector ${reason}` });

/** A term, or what was expected instead. */
function readTerm(scanner: Scanner): LabelSelector | string {
  const key = scanner.word();
  if (key === undefined) return scanner.expected('a label name');
  if (scanner.skip('==')) {
    const value = scanner.word();
    if (value === undefined) return scanner.expected('a value');
    return (labels) => labelValue(labels, key) === value;
  }
  if (scanner.skip('!=')) {
    const value = scanner.word();
    if (value === undefined) return scanner.expected('a value');
    return (labels) => Object.hasOwn(labels, key) && labels[key] !== value;
  }
  const isNegated = scanner.skipWord('notin');
  if (!isNegated && !scanner.skipWord('in')) return (labels) => Object.hasOwn(labels, key);
  const values = readSet(scanner);
  if (typeof values === 'string') return values;
  return (labels) => {
    const value = labelValue(labels, key);
    return value !== undefined && values.has(value) !== isNegated;
  };
}

function readSet(scanner: Scanner): ReadonlySet<string> | string {
  if (!scanner.skip('(')) return scanner.expected("'('");
  const values = new Set<string>();
  do {
    const value = scanner.word();
    if (value === undefined) return scanner.expected('a value');
    values.add(value);
  } while (scanner.skip(','));
  return scanner.skip(')') ? values : scanner.expected("',' or ')'");
}

const labelValue = (labels: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

const WORD_CHARACTER = /[A-Za-z0-9._-]/;

/** Walks over the text; owned by one parse. Blanks between tokens are skipped. */
class Scanner {
  position = 0;

  constructor(private readonly text: string) {}

  get isAtEnd(): boolean {
    this.skipBlanks();
    return this.position >= this.text.length;
  }

  expected(what: string): string {
    return `${what} expected at position ${this.position} of '${this.text}'`;
  }

  skip(token: string): boolean {
    this.skipBlanks();
    if (!this.text.startsWith(token, this.position)) return false;
    this.position += token.length;
    return true;
  }

  /** Skips a keyword only if it stands alone, so that a label called `input` is not read as `in`. */
  skipWord(keyword: string): boolean {
    const start = this.position;
    if (this.word() === keyword) return true;
    this.position = start;
    return false;
  }

  word(): string | undefined {
    this.skipBlanks();
    let word = '';
    for (let char = this.peek(); char !== undefined; char = this.peek()) {
      if (char === '\\' && this.position + 1 < this.text.length) {
        word += this.text[this.position + 1] ?? '';
        this.position += 2;
      } else if (WORD_CHARACTER.test(char)) {
        word += char;
        this.position += 1;
      } else break;
    }
    return word === '' ? undefined : word;
  }

  private peek(): string | undefined {
    return this.text[this.position];
  }

  private skipBlanks(): void {
    while (this.peek() === ' ' || this.peek() === '\t') this.position += 1;
  }
}
