/** A value in Mesos' notation: `2.5`, `[1-5, 8]`, `{a, b}`, or any other text. */
export type TextValue =
  | { readonly type: 'SCALAR'; readonly scalar: { readonly value: number } }
  | {
      readonly type: 'RANGES';
      readonly ranges: {
        readonly range: readonly { readonly begin: number; readonly end: number }[];
      };
    }
  | { readonly type: 'SET'; readonly set: { readonly item: readonly string[] } }
  | { readonly type: 'TEXT'; readonly text: { readonly value: string } };

const MAX_RANGES = 1_000;
const MAX_ITEMS = 1_000;

/** Throws what it should have been, to follow the text itself. */
export function readValue(text: string): TextValue {
  if (text.startsWith('[')) return { type: 'RANGES', ranges: { range: readRanges(text) } };
  if (text.startsWith('{')) return { type: 'SET', set: { item: readItems(text) } };
  return /^-?\d+(\.\d+)?$/.test(text)
    ? { type: 'SCALAR', scalar: { value: Number(text) } }
    : { type: 'TEXT', text: { value: text } };
}

function readRanges(text: string): readonly { readonly begin: number; readonly end: number }[] {
  const inner = /^\[(.*)\]$/.exec(text)?.[1];
  const parts = inner?.split(',') ?? [];
  if (inner === undefined || parts.length > MAX_RANGES) {
    throw new Error(`is not a list of at most ${MAX_RANGES} ranges [first-last, ...]`);
  }
  return parts.map((part) => {
    const match = /^\s*(\d{1,15})\s*(?:-\s*(\d{1,15})\s*)?$/.exec(part);
    const begin = Number(match?.[1] ?? Number.NaN);
    const end = Number(match?.[2] ?? match?.[1] ?? Number.NaN);
    if (!(begin <= end)) throw new Error(`has ${JSON.stringify(part)}, not a range first-last`);
    return { begin, end };
  });
}

function readItems(text: string): readonly string[] {
  const inner = /^\{(.*)\}$/.exec(text)?.[1];
  const items = inner?.split(',').map((item) => item.trim()) ?? [''];
  if (items.length > MAX_ITEMS || items.some((item) => item === '')) {
    throw new Error(`is not a set {one, other} of at most ${MAX_ITEMS}`);
  }
  return [...new Set(items)];
}
