/** A label that was ignored, or means less than it says, and why. */
export interface LabelProblem {
  readonly label: string;
  readonly reason: string;
}

const TRUE_WORDS: ReadonlySet<string> = new Set(['true', 't', 'yes', 'y']);
/** Longest part of a value a problem quotes, in characters. */
const MAX_QUOTED = 80;

/** Reads the labels `HAPROXY_{n}_*` of one port. Problems are collected, never thrown: one bad label must not stop the others. */
export class LabelReader {
  readonly problems: LabelProblem[] = [];

  constructor(
    private readonly labels: Readonly<Record<string, string>>,
    private readonly portIndex: number,
  ) {}

  /** Trimmed, with LF line ends; undefined: absent or blank. */
  text(name: string): string | undefined {
    const text = this.raw(name)?.trim();
    return text === '' ? undefined : text;
  }

  /** It is there, and says nothing. */
  isBlank(name: string): boolean {
    return this.raw(name) !== undefined && this.text(name) === undefined;
  }

  /** With LF line ends; undefined: absent. */
  raw(name: string): string | undefined {
    return this.labels[this.nameOf(name)]?.replace(/\r\n?/g, '\n');
  }

  /** `true`, `t`, `yes`, `y` in any case; everything else is false, as in marathon-lb. */
  isTrue(name: string): boolean {
    return isTrueWord(this.text(name) ?? '');
  }

  /** A whole number within the bounds, both included. */
  integer(
    name: string,
    { min, max }: { readonly min: number; readonly max: number },
  ): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    return this.refuse(name, `${shown(text)} is not a whole number from ${min} to ${max}`);
  }

  /** A value that `pattern` matches as a whole. */
  matching(name: string, pattern: RegExp, what: string): string | undefined {
    const text = this.text(name);
    if (text === undefined || pattern.test(text)) return text;
    return this.refuse(name, `${shown(text)} is not ${what}`);
  }

  refuse(name: string, reason: string): undefined {
    this.problems.push({ label: this.nameOf(name), reason });
    return undefined;
  }

  private nameOf(name: string): string {
    const { portIndex } = this;
    const known = NAMES[portIndex]?.get(name);
    if (known !== undefined) return known;
    const made = `HAPROXY_${portIndex}_${name}`;
    NAMES[portIndex]?.set(name, made);
    return made;
  }
}

/** Names of labels by port: each app is asked for some fifty, and most have a few. */
const NAMES: readonly Map<string, string>[] = Array.from({ length: 8 }, () => new Map());

/** A value as a problem shows it: quoted, and cut when it is long. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text);

export const isTrueWord = (text: string): boolean => TRUE_WORDS.has(text.trim().toLowerCase());

/** A comma list without blanks and empty parts. */
export const splitList = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
