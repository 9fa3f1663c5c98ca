import type { Range } from '#core';
import type { WireAttribute } from '#mesos-v1';

/** Reads `rack:a;platform:foo`. A value that is a number becomes a scalar, as in Mesos. */
export function readAttributes(text: string): readonly WireAttribute[] {
  return text
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair): WireAttribute => {
      const colon = pair.indexOf(':');
      const name = pair.slice(0, colon).trim();
      const value = pair.slice(colon + 1).trim();
      if (colon < 1 || name === '' || value === '') {
        throw new Error(`is not a list name:value;name:value (${JSON.stringify(pair)})`);
      }
      return /^-?\d+(\.\d+)?$/.test(value)
        ? { name, type: 'SCALAR', scalar: { value: Number(value) } }
        : { name, type: 'TEXT', text: { value } };
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
