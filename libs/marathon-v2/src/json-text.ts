import { describeSyntax } from './json-syntax.js';
import { accept, type Outcome, refuse } from './refusal.js';

/** How deep arrays and objects may nest in a request body. A group nests two levels per path segment. */
export const MAX_JSON_DEPTH = 256;

/**
 * Reads a request body. Stricter than `JSON.parse` where a lenient reading would surprise later: a key given twice,
 * `__proto__`, nesting beyond {@link MAX_JSON_DEPTH}, numbers beyond the double range, NUL and lone surrogates (which
 * PostgreSQL cannot store) are refused. Linear in the text.
 */
export function parseJsonText(text: string): Outcome<unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse({
      kind: 'malformed-json',
      details: describeSyntax(text) ?? (error instanceof Error ? error.message : 'not JSON'),
    });
  }
  const objection = objectToStructure(text) ?? objectToValues(value);
  return objection === undefined
    ? accept(value)
    : refuse({ kind: 'malformed-json', details: objection });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** Scans well-formed JSON for what parsing hides: depth and repeated keys. One entry per open container. */
function objectToStructure(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x7b:
        open.push(new Set());
        break;
      case 0x5b:
        open.push(undefined);
        break;
      case 0x7d:
      case 0x5d:
        open.pop();
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (keys !== undefined && isKey(text, end)) {
          const key = String(JSON.parse(text.slice(at, end)));
          if (key === '__proto__') return `key "__proto__" at position ${at} is not allowed`;
          if (keys.has(key)) return `duplicate key ${JSON.stringify(key)} at position ${at}`;
          keys.add(key);
        }
        at = end - 1;
        break;
      }
      default:
    }
    if (open.length > MAX_JSON_DEPTH) {
      return `nested deeper than ${MAX_JSON_DEPTH} levels at position ${at}`;
    }
  }
  return undefined;
}

/** The position after the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return text.charCodeAt(at) === COLON;
}

/** Depth is bounded by then, so recursion is too. */
function objectToValues(value: unknown): string | undefined {
  if (typeof value === 'string') return objectToString(value);
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : 'a number is beyond the range of a double';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    for (const item of value) {
      const objection = objectToValues(item);
      if (objection !== undefined) return objection;
    }
    return undefined;
  }
  for (const [key, item] of Object.entries(value)) {
    const objection = objectToString(key) ?? objectToValues(item);
    if (objection !== undefined) return objection;
  }
  return undefined;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function objectToString(text: string): string | undefined {
  if (text.includes('\0')) return `the NUL character is not allowed in ${shorten(text)}`;
  if (LONE_SURROGATE.test(text)) return `a lone surrogate is not allowed in ${shorten(text)}`;
  return undefined;
}

const shorten = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
