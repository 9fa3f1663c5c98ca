import type { Range } from '#core';
import type { WireAttribute } from '#mesos-v1';
import { readValue } from './read-value.js';

const MAX_ATTRIBUTES = 1_000;
const MAX_NAME_CHARACTERS = 255;

/** Reads `rack:a;os:[1-5];zones:{a,b}`: texts, numbers, ranges and sets, as Mesos writes them. */
export function readAttributes(text: string): readonly WireAttribute[] {
  const pairs = text
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
  if (pairs.length > MAX_ATTRIBUTES) {
    throw new Error(`has ${pairs.length} attributes, the limit is ${MAX_ATTRIBUTES}`);
  }
  return pairs.map((pair): WireAttribute => {
    const colon = pair.indexOf(':');
    const name = pair.slice(0, colon).trim();
    const value = pair.slice(colon + 1).trim();
    if (colon < 1 || name === '' || value === '' || name.length > MAX_NAME_CHARACTERS) {
      throw new Error(`is not a list name:value;name:value (${JSON.stringify(pair)})`);
    }
    try {
      return { name, ...readValue(value) };
    } catch (error) {
      throw new Error(`(entry ${pair.slice(0, 200)}) ${(error as Error).message}`);
    }
  });
}

const MAX_PORT = 65_535;

/** Reads `31000-32000` or `31000-31099,31200`. */
export function readPortRanges(text: string): readonly Range[] {
  return text.split(',').map((part) => {
    const match = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part);
    const begin = Number(match?.[1] ?? Number.NaN);
    const end = Number(match?.[2] ?? match?.[1] ?? Number.NaN);
    if (!(begin >= 1 && begin <= end && end <= MAX_PORT)) {
      throw new Error(`is not a list of ports first-last within 1-${MAX_PORT}`);
    }
    return { begin, end };
  });
}
